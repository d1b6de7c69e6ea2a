"""Binary weights in a file: one bit each, every filter padded to whole 64-bit words.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from emostudio.compression.base import BINARY
from emostudio.compression.coding.codecs import header_int, part, placeholder, shape_of
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor

BITS = "bits"

_WORD = 64


def row_bytes(fan_in: int) -> int:
    """Return the bytes of the bits of one filter with `fan_in` weights."""
    return -(-fan_in // _WORD) * _WORD // 8


def bits_bytes(shape: Sequence[int], level_count: int) -> int:
    """Return the bytes of a binary tensor whose filters have `level_count` floats each."""
    return shape[0] * (row_bytes(prod(shape[1:])) + 4 * level_count)


def encode_bits(bits: np.ndarray, levels: np.ndarray | None, shape: Sequence[int]) -> CodedTensor:
    """Pack a tensor of two values per filter.

    Parameters
    ----------
    bits
        True for the upper value, bool of shape (T, n): filters in rows.
    levels
        float32 of shape (T, 1) for -a and +a, (T, 2) for a lower and an upper value, or None for
        -1 and +1.
    shape
        Shape of the tensor, (T, ...) with n elements per filter.
    """
    count, fan_in = bits.shape
    padded = np.zeros((count, 8 * row_bytes(fan_in)), np.bool_)
    padded[:, :fan_in] = bits
    arrays: dict[str, np.ndarray] = {
        "bits": np.packbits(padded, axis=1, bitorder="little").reshape(-1)
    }
    if levels is not None:
        arrays["levels"] = np.ascontiguousarray(levels, np.float32).reshape(-1)
    return CodedTensor(BITS, arrays, _header(shape, 0 if levels is None else levels.shape[1]))


def plan_bits(shape: Sequence[int], level_count: int) -> CodedTensor:
    """Return what `encode_bits` gives, without values."""
    arrays: dict[str, np.ndarray] = {
        "bits": placeholder(np.uint8, shape[0] * row_bytes(prod(shape[1:])))
    }
    if level_count:
        arrays["levels"] = placeholder(np.float32, shape[0] * level_count)
    return CodedTensor(BITS, arrays, _header(shape, level_count))


def decode_bits(coded: CodedTensor) -> np.ndarray:
    """Return the float32 values of a binary tensor, in its shape.

    Raises
    ------
    InputError
        If it is damaged.
    """
    shape = shape_of(coded)
    bits = filter_bits(coded)
    level_count = header_int(coded.header, "level_count", 0, 2)
    if not level_count:
        signs: np.ndarray = np.where(bits, np.float32(1.0), np.float32(-1.0))
        return signs.reshape(shape)
    levels = part(coded, "levels", np.float32)
    if levels.size != shape[0] * level_count:
        raise InputError("A binary tensor is damaged", why="its values do not fit its filters")
    levels = levels.reshape(shape[0], level_count)
    high = levels[:, -1:]
    low = -high if level_count == 1 else levels[:, :1]
    values: np.ndarray = np.where(bits, high, low)
    return values.reshape(shape)


def filter_bits(coded: CodedTensor) -> np.ndarray:
    """Return the bits of a binary tensor, bool of shape (T, n).

    Raises
    ------
    InputError
        If it is damaged.
    """
    shape = shape_of(coded)
    if len(shape) < 2:
        raise InputError("A binary tensor is damaged", why=f"its shape {shape!r} has no filters")
    fan_in = prod(shape[1:])
    packed = part(coded, "bits", np.uint8)
    if packed.size != shape[0] * row_bytes(fan_in):
        raise InputError("A binary tensor is damaged", why="it has the wrong number of bits")
    rows = packed.reshape(shape[0], row_bytes(fan_in))
    unpacked = np.unpackbits(rows, axis=1, bitorder="little")
    if unpacked[:, fan_in:].any():
        raise InputError("A binary tensor is damaged", why="the padding of its filters is not zero")
    return unpacked[:, :fan_in].view(np.bool_)


def _header(shape: Sequence[int], level_count: int) -> dict[str, object]:
    return {"shape": list(shape), "level_count": level_count, "traits": [BINARY]}
