"""Programs as files: arrays in the safetensors format, their structure as JSON in its header."""

from __future__ import annotations

import dataclasses
import functools
import json
import pkgutil
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from emostudio.core.errors import InputError
from emostudio.inference.packed.program import Program
from emostudio.inference.packed.step import Step

_KEY = "program"
_VERSION = 2
_PACKAGE = "emostudio.inference.packed"


def to_bytes(programs: tuple[Program, ...]) -> bytes:
    """Return a file that `from_bytes` reads; two calls give the same bytes."""
    arrays: list[NDArray[Any]] = []
    structure = {"version": _VERSION, "programs": [_encoded(p, arrays) for p in programs]}
    named = {str(number): array for number, array in enumerate(arrays)}
    content: bytes = save(named, {_KEY: json.dumps(structure, separators=(",", ":"))})
    return content


def from_bytes(content: bytes) -> tuple[Program, ...]:
    """Return the programs of a file.

    Raises
    ------
    InputError
        If the file is damaged, or none of `to_bytes`.
    """
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])
        structure = json.loads(header["__metadata__"][_KEY])
        if structure["version"] != _VERSION:
            raise InputError("The program is of another version", why=str(structure["version"]))
        arrays = load(content)
        programs = tuple(_decoded(entry, arrays) for entry in structure["programs"])
    except (KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
        raise _damaged(str(error)) from error
    if not programs or not all(isinstance(program, Program) for program in programs):
        raise _damaged("it holds no program")
    return programs


def _encoded(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        return {"array": str(len(arrays) - 1)}
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        parts = {name: _encoded(getattr(value, name), arrays) for name in names}
        home = type(value).__module__.removeprefix(f"{_PACKAGE}.")
        return {"part": f"{home}.{type(value).__name__}", "of": parts}
    if isinstance(value, tuple):
        return [_encoded(entry, arrays) for entry in value]
    return value


def _decoded(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(entry, arrays) for entry in value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"array"}:
        return arrays[value["array"]]
    if value.keys() != {"part", "of"}:
        raise ValueError("an entry is neither an array nor a part")
    name, fields = value["part"], value["of"]
    if not isinstance(name, str) or not isinstance(fields, dict):
        raise TypeError("a part has no name or no fields")
    part = _part(name)
    return _made(part, {name: _decoded(entry, arrays) for name, entry in fields.items()})


def _made(part: Any, fields: dict[str, Any]) -> Any:
    """Return a part of exactly its fields, each of its type.

    Raises
    ------
    ValueError
        If one is missing, unknown, or of another type.
    """
    kinds = _kinds(part)
    if fields.keys() != kinds.keys():
        raise ValueError(f"{part.__name__} has other fields here")
    for name, value in fields.items():
        if not _is_of(value, kinds[name]):
            raise ValueError(f"{part.__name__}.{name} is of another type")
    return part(**fields)


@functools.cache
def _kinds(part: Any) -> dict[str, Any]:
    hints = get_type_hints(part)
    return {field.name: hints[field.name] for field in dataclasses.fields(part)}


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a decoded value is of an annotated type, such as ``tuple[int, ...]``."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is np.ndarray:
        (scalar,) = get_args(inner[1])
        return isinstance(value, np.ndarray) and np.issubdtype(value.dtype, scalar)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        each = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(each) == len(value) and all(map(_is_of, value, each))
    if origin in {Union, UnionType}:
        return any(_is_of(value, one) for one in inner)
    if kind is Step:
        return dataclasses.is_dataclass(value) and callable(getattr(value, "run", None))
    is_number = kind in {int, float} and isinstance(value, bool)
    return isinstance(value, kind) and not is_number


@functools.cache
def _part(name: str) -> Any:
    """Return a frozen dataclass of this package by its module and name.

    Raises
    ------
    ValueError
        If there is none.
    """
    home, _, kind = name.rpartition(".")
    known = {module.name for module in pkgutil.iter_modules(import_module(_PACKAGE).__path__)}
    # a file may name nothing else: importing what it likes would run what it likes
    part = getattr(import_module(f"{_PACKAGE}.{home}"), kind, None) if home in known else None
    if not (isinstance(part, type) and dataclasses.is_dataclass(part)):
        raise ValueError(f"it holds a part that is unknown here: {name[:80]}")
    return part


def _damaged(why: str) -> InputError:
    return InputError(
        "The packed program cannot be read",
        why=why[:200],
        next_step="Make it again from the model",
    )
