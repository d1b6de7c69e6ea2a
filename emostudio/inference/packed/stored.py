"""Programs as files: arrays in the safetensors format, their structure as JSON in its header."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from emostudio.core.errors import InputError
from emostudio.inference.packed import sign_layer, steps
from emostudio.inference.packed.binary_weights import BinaryWeightLayer
from emostudio.inference.packed.codebook import CodebookLinear
from emostudio.inference.packed.lookup import LookupLinear
from emostudio.inference.packed.program import Program
from emostudio.inference.packed.window import Window

_KEY = "program"
_VERSION = 1
_PARTS = {
    part.__name__: part
    for part in (
        Program,
        sign_layer.SignLayer,
        Window,
        BinaryWeightLayer,
        CodebookLinear,
        LookupLinear,
        sign_layer.Limits,
        sign_layer.Finish,
        steps.GraphStep,
        steps.MaxPool,
        steps.ScaleChannels,
        steps.Flatten,
        steps.Join,
        steps.Add,
        steps.ChannelsLast,
    )
}


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
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
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
        return {"part": type(value).__name__, "of": parts}
    if isinstance(value, tuple):
        return [_encoded(entry, arrays) for entry in value]
    return value


def _decoded(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(entry, arrays) for entry in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    parts = {name: _decoded(entry, arrays) for name, entry in value["of"].items()}
    return _PARTS[value["part"]](**parts)


def _damaged(why: str) -> InputError:
    return InputError(
        "The packed program cannot be read",
        why=why[:200],
        next_step="Make it again from the model",
    )
