"""The file every model lives in: one safetensors file whose size is known before any work.

The header is padded with spaces, which the format allows, to a length that depends on
everything but the model's name, lineage and measurements.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from emostudio.core.atomic import atomic_file
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import Lineage, ModelInfo
from emostudio.core.settings import first_fault

METADATA_KEY = "emostudio"
MAX_HEADER_BYTES = 4_000_000
MAX_TENSORS = 20_000

_RESERVED_BYTES = 4096
_BLOCK_BYTES = 4096
_LENGTH_BYTES = 8

_DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class _Layout:
    """The header's length and each array's name, in the order of the data."""

    header: bytes
    data_bytes: int
    names: tuple[str, ...]


def container_bytes(
    info: ModelInfo, shapes: Mapping[str, tuple[np.dtype[Any] | str, Sequence[int]]]
) -> int:
    """Predict the size of a container file, exactly.

    Parameters
    ----------
    info
        What the file will say about the model; its name, lineage and measurements do not matter.
    shapes
        Array name to (dtype, shape).

    Raises
    ------
    EmoStudioError
        If a dtype cannot be stored or the model has too many tensors.
    """
    layout = _layout(info, shapes)
    return _LENGTH_BYTES + len(layout.header) + layout.data_bytes


def write_container(path: Path, info: ModelInfo, arrays: Mapping[str, np.ndarray]) -> int:
    """Write a model file atomically.

    Parameters
    ----------
    path
        Final place.
    info
        What the file says about the model.
    arrays
        Array name to values, of any shape, blobs as uint8.

    Returns
    -------
    int
        Bytes written; equals `container_bytes` of the same model.

    Raises
    ------
    EmoStudioError
        If the disk refuses, an array holds NaN or infinity, or the description is too long.
    """
    for name, array in arrays.items():
        if not is_finite(array):
            raise EmoStudioError(
                f"Refused to write {path.name}", why=f"{name} holds NaN or infinite values"
            )
    layout = _layout(info, {name: (array.dtype, array.shape) for name, array in arrays.items()})
    with atomic_file(path) as stream:
        stream.write(len(layout.header).to_bytes(_LENGTH_BYTES, "little"))
        stream.write(layout.header)
        for name in layout.names:
            array = np.ascontiguousarray(arrays[name])
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            stream.write(array.reshape(-1).view(np.uint8).data)
    return _LENGTH_BYTES + len(layout.header) + layout.data_bytes


def read_info(path: Path) -> ModelInfo:
    """Read what a model file says about its model, without its weights.

    Raises
    ------
    InputError
        If the file is missing, damaged or not written by EmoStudio.
    """
    return _info_of(path, _read_header(path))


def read_container(path: Path) -> tuple[ModelInfo, dict[str, np.ndarray]]:
    """Read a model file.

    Returns
    -------
    info, arrays
        What the file says about the model, and its arrays by name.

    Raises
    ------
    InputError
        If the file is missing, damaged, not written by EmoStudio, or holds NaN or infinity.
    """
    header = _read_header(path)
    info = _info_of(path, header)
    names = [name for name in header if name != "__metadata__"]
    return info, read_arrays(path, names)


def read_arrays(path: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Read the arrays of any safetensors file within the limits of `MAX_HEADER_BYTES`.

    Parameters
    ----------
    path
        The file.
    names
        Arrays wanted; None reads all.

    Raises
    ------
    InputError
        If the file is missing or damaged, or an array holds NaN or infinity.
    """
    if names is None:
        names = [name for name in _read_header(path) if name != "__metadata__"]
    try:
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: np.array(file.get_tensor(name)) for name in names}
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, str(error)) from error
    for name, array in arrays.items():
        if not is_finite(array):
            raise _damaged(path, f"{name} holds NaN or infinite values")
    return arrays


def is_finite(array: np.ndarray) -> bool:
    """Whether an array holds neither NaN nor infinity."""
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _layout(
    info: ModelInfo, shapes: Mapping[str, tuple[np.dtype[Any] | str, Sequence[int]]]
) -> _Layout:
    if len(shapes) > MAX_TENSORS:
        raise EmoStudioError(f"{info.name} has more than {MAX_TENSORS} tensors")
    dtypes = {name: np.dtype(dtype).newbyteorder("<") for name, (dtype, _) in shapes.items()}
    # The widest first keeps every array aligned to its own item size.
    names = tuple(sorted(shapes, key=lambda name: (-dtypes[name].itemsize, name)))
    entries: dict[str, Any] = {}
    offset = 0
    for name in names:
        if dtypes[name] not in _CODES:
            raise EmoStudioError(f"Cannot store {name} of type {dtypes[name]}")
        shape = [int(side) for side in shapes[name][1]]
        end = offset + prod(shape) * dtypes[name].itemsize
        entries[name] = {
            "dtype": _CODES[dtypes[name]], "shape": shape, "data_offsets": [offset, end],
        }  # fmt: skip
        offset = end
    fixed = info.model_copy(update={"name": "", "lineage": Lineage(), "measurements": {}})
    least = len(_header_json(fixed, entries)) + _RESERVED_BYTES
    length = -(-least // _BLOCK_BYTES) * _BLOCK_BYTES
    header = _header_json(info, entries)
    if len(header) > min(length, MAX_HEADER_BYTES):
        raise EmoStudioError(
            f"The description of {info.name} is too long for its file",
            why=f"it takes {len(header):,} bytes of {min(length, MAX_HEADER_BYTES):,}",
            next_step="Keep fewer measurements or shorter names",
        )
    return _Layout(header=header.ljust(length), data_bytes=offset, names=names)


def _header_json(info: ModelInfo, entries: Mapping[str, Any]) -> bytes:
    description = json.dumps(
        info.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    document = {"__metadata__": {METADATA_KEY: description}, **entries}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _read_header(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES or length > size - _LENGTH_BYTES:
                raise _damaged(path, "it is shorter than its header says")
            if length > MAX_HEADER_BYTES:
                raise _damaged(path, f"its header of {length:,} bytes is over the limit")
            content = stream.read(length)
    except OSError as error:
        raise InputError(f"Cannot read {path}", why=error.strerror or str(error)) from error
    try:
        header = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "its header is not JSON") from error
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        raise _damaged(path, "its header is not a table")
    if len(header) > MAX_TENSORS + 1:
        raise _damaged(path, f"it has more than {MAX_TENSORS} tensors")
    return header


def _info_of(path: Path, header: Mapping[str, Any]) -> ModelInfo:
    description = header.get("__metadata__", {}).get(METADATA_KEY)
    if not isinstance(description, str):
        raise InputError(
            f"{path.name} was not written by EmoStudio",
            why="it carries no description of its model",
            next_step="Import it, giving its architecture and labels",
        )
    try:
        return ModelInfo.model_validate_json(description)
    except (ValidationError, RecursionError) as error:
        reason = first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise _damaged(path, f"its description cannot be read ({reason})") from error


def _damaged(path: Path, why: str) -> InputError:
    return InputError(
        f"{path.name} is not a usable safetensors file",
        why=why,
        next_step="Get a fresh copy of the file",
    )
