"""How packed tensors look in a file: masked float32, codebook, and Huffman-coded.

Every codec comes as three functions: `encode_*` packs values, `plan_*` gives arrays of the same
sizes without values, `decode_*` reads the values back bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from emostudio.compression.base import PRUNED, SHARED
from emostudio.compression.coding import fixed_width
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor

MASKED = "masked32"
CODEBOOK = "codebook"


def placeholder(dtype: type[np.generic], *shape: int) -> np.ndarray:
    """Return an array that has a size but takes no memory: every element is the same zero."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def is_placeholder(array: np.ndarray) -> bool:
    """Whether an array was made by `placeholder`."""
    return array.ndim > 0 and not any(array.strides)


def has_values(coded: CodedTensor) -> bool:
    """Whether a packed tensor is real, not planned."""
    return not any(is_placeholder(array) for array in coded.arrays.values())


def header_int(header: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """Return a bounded integer from a header that came out of a file.

    Raises
    ------
    InputError
        If it is missing or out of bounds.
    """
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError("A packed tensor is damaged", why=f"its {key} is {value!r}")
    return int(value)


def shape_of(coded: CodedTensor) -> tuple[int, ...]:
    """Return the shape of the unpacked tensor.

    Raises
    ------
    InputError
        If the header holds none.
    """
    shape = coded.header.get("shape")
    sides = shape if isinstance(shape, list | tuple) else [None]
    if not all(isinstance(side, int) and 0 < side < 2**31 for side in sides):
        raise InputError("A packed tensor is damaged", why=f"its shape is {shape!r}")
    if prod(sides) > 2**33:
        raise InputError("A packed tensor is damaged", why=f"its shape {shape!r} is too large")
    return tuple(sides)


def part(coded: CodedTensor, name: str, dtype: type[np.generic]) -> np.ndarray:
    """Return one packed array of shape (n,).

    Raises
    ------
    InputError
        If it is missing or of another type.
    """
    array = coded.arrays.get(name)
    if array is None or array.dtype != dtype or array.ndim != 1:
        raise InputError("A packed tensor is damaged", why=f"its part {name} is missing or wrong")
    return array


# Pruned, values kept as float32 ------------------------------------------------------------------


def masked_bytes(count: int, survivors: int) -> int:
    """Return the bytes of a pruned tensor with `survivors` of `count` weights."""
    return fixed_width.packed_bytes(count, 1) + 4 * survivors


def encode_masked(values: np.ndarray, mask: np.ndarray, shape: Sequence[int]) -> CodedTensor:
    """Pack a pruned tensor: one bit per weight and the surviving values.

    Parameters
    ----------
    values
        Weights, shape (n,), float32.
    mask
        True where a weight survives, shape (n,).
    shape
        Shape of the tensor.
    """
    header = {"shape": list(shape), "survivors": int(np.count_nonzero(mask)), "traits": [PRUNED]}
    arrays = {"mask": fixed_width.pack_mask(mask), "values": values[mask]}
    return CodedTensor(MASKED, arrays, header)


def plan_masked(survivors: int, shape: Sequence[int]) -> CodedTensor:
    """Return what `encode_masked` gives, without values."""
    header = {"shape": list(shape), "survivors": survivors, "traits": [PRUNED]}
    arrays = {
        "mask": placeholder(np.uint8, fixed_width.packed_bytes(prod(shape), 1)),
        "values": placeholder(np.float32, survivors),
    }
    return CodedTensor(MASKED, arrays, header)


def decode_masked(coded: CodedTensor) -> np.ndarray:
    """Return the values of a pruned tensor, in its shape.

    Raises
    ------
    InputError
        If it is damaged.
    """
    shape = shape_of(coded)
    mask = masked_mask(coded)
    values = part(coded, "values", np.float32)
    if values.size != np.count_nonzero(mask):
        raise InputError("A pruned tensor is damaged", why="its values do not fit its mask")
    full = np.zeros(prod(shape), np.float32)
    full[mask] = values
    return full.reshape(shape)


def masked_mask(coded: CodedTensor) -> np.ndarray:
    """Return the mask of a pruned tensor, shape (n,)."""
    count = prod(shape_of(coded))
    survivors = header_int(coded.header, "survivors", 0, count)
    return fixed_width.unpack_mask(part(coded, "mask", np.uint8), count, survivors)


# Shared values -----------------------------------------------------------------------------------


def codebook_bytes(count: int, survivors: int, bit_width: int) -> int:
    """Return the bytes of a tensor with shared values; see `encode_codebook`."""
    dense = fixed_width.packed_bytes(count, bit_width)
    sparse = fixed_width.packed_bytes(count, 1) + fixed_width.packed_bytes(survivors, bit_width)
    smallest = min(dense, sparse) if survivors < count else dense
    return 4 * int(2**bit_width) + smallest


def encode_codebook(
    codebook: np.ndarray, codes: np.ndarray, shape: Sequence[int], *, pruned: bool
) -> CodedTensor:
    """Pack a tensor whose weights share few values.

    Parameters
    ----------
    codebook
        The values, float32 of shape (2**bit_width,); a pruned tensor's entry 0 is 0.0.
    codes
        Index into the codebook per weight, shape (n,), uint8; 0 exactly where pruned.
    shape
        Shape of the tensor.
    pruned
        Whether code 0 stands for pruned weights. Their places are then stored as a mask of one
        bit per weight where that is smaller than a code for each.
    """
    bit_width = int(codebook.size).bit_length() - 1
    survivors = int(np.count_nonzero(codes)) if pruned else codes.size
    header = _codebook_header(shape, survivors, bit_width, pruned=pruned)
    arrays = {"codebook": codebook.astype(np.float32)}
    if header["masked"]:
        mask = codes != 0
        arrays["mask"] = fixed_width.pack_mask(mask)
        codes = codes[mask]
    arrays["codes"] = fixed_width.pack(codes, bit_width)
    return CodedTensor(CODEBOOK, arrays, header)


def plan_codebook(
    survivors: int, bit_width: int, shape: Sequence[int], *, pruned: bool
) -> CodedTensor:
    """Return what `encode_codebook` gives, without values."""
    header = _codebook_header(shape, survivors, bit_width, pruned=pruned)
    count = prod(shape)
    arrays = {"codebook": placeholder(np.float32, 2**bit_width)}
    if header["masked"]:
        arrays["mask"] = placeholder(np.uint8, fixed_width.packed_bytes(count, 1))
        count = survivors
    arrays["codes"] = placeholder(np.uint8, fixed_width.packed_bytes(count, bit_width))
    return CodedTensor(CODEBOOK, arrays, header)


def decode_codebook(coded: CodedTensor) -> np.ndarray:
    """Return the values of a tensor with shared values, in its shape.

    Raises
    ------
    InputError
        If it is damaged.
    """
    codebook = part(coded, "codebook", np.float32)
    if is_pruned(coded):
        require_reserved_zero(codebook)
    values: np.ndarray = codebook[codebook_codes(coded)]
    return values.reshape(shape_of(coded))


def require_reserved_zero(codebook: np.ndarray) -> None:
    """Check that code 0 of a pruned tensor stands for 0.0: pruned weights and fillers have it.

    Raises
    ------
    InputError
        If it does not.
    """
    if not codebook.size or codebook[0] != 0.0:
        raise InputError("A shared tensor is damaged", why="its pruned weights are not zero")


def codebook_codes(coded: CodedTensor) -> np.ndarray:
    """Return the code of every weight, uint8 of shape (n,).

    Raises
    ------
    InputError
        If the tensor is damaged.
    """
    count = prod(shape_of(coded))
    bit_width = header_int(coded.header, "bit_width", 1, 8)
    survivors = header_int(coded.header, "survivors", 0, count)
    packed = part(coded, "codes", np.uint8)
    if part(coded, "codebook", np.float32).size != 2**bit_width:
        raise InputError("A shared tensor is damaged", why="its codebook has the wrong length")
    if not coded.header.get("masked"):
        return fixed_width.unpack(packed, bit_width, count)
    mask = fixed_width.unpack_mask(part(coded, "mask", np.uint8), count, survivors)
    codes = np.zeros(count, np.uint8)
    codes[mask] = fixed_width.unpack(packed, bit_width, survivors)
    return codes


def _codebook_header(
    shape: Sequence[int], survivors: int, bit_width: int, *, pruned: bool
) -> dict[str, Any]:
    count = prod(shape)
    sparse = fixed_width.packed_bytes(count, 1) + fixed_width.packed_bytes(survivors, bit_width)
    return {
        "shape": list(shape),
        "survivors": survivors,
        "bit_width": bit_width,
        "masked": pruned and sparse < fixed_width.packed_bytes(count, bit_width),
        "traits": [PRUNED, SHARED] if pruned else [SHARED],
    }


def is_pruned(coded: CodedTensor | None) -> bool:
    """Whether a packed tensor has pruned weights."""
    return coded is not None and PRUNED in coded.header.get("traits", ())


def survivor_mask(coded: CodedTensor | None) -> np.ndarray | None:
    """Return which weights of a packed tensor survive, shape (n,); None if none was pruned.

    Raises
    ------
    InputError
        If the tensor is damaged.
    """
    if coded is None or not is_pruned(coded):
        return None
    if coded.codec == MASKED:
        return masked_mask(coded)
    if coded.codec == CODEBOOK:
        survives: np.ndarray = codebook_codes(coded) != 0
        return survives
    return None


def survivor_count(coded: CodedTensor | None, count: int) -> int:
    """Return how many of `count` weights survive, known for planned tensors too."""
    if coded is None or not is_pruned(coded):
        return count
    return header_int(coded.header, "survivors", 0, count)
