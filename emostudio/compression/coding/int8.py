"""Weights as 8-bit integers: a code per weight and a scale per output channel or per tensor.

Scales keep 16 bits of their mantissa: code times scale is then exact in float32, and the scale
is the largest value of a channel divided by the largest code, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from emostudio.compression.base import QUANTISED
from emostudio.compression.coding.codecs import header_int, part, placeholder, shape_of
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor

INT8 = "int8"
_DROPPED_BITS = 8


def largest_code(bit_width: int) -> int:
    """Return the largest code of a symmetric range: 127 for 8 bits, 63 for 7."""
    return int(2 ** (bit_width - 1)) - 1


def exact_scales(largest: np.ndarray, bit_width: int = 8) -> np.ndarray:
    """Return a scale for each largest magnitude, shape (n,), float32; 1 where it is zero.

    Rounded up to 16 bits of mantissa, so that no code leaves its range.
    """
    wanted = largest.astype(np.float64) / largest_code(bit_width)
    scales = np.maximum(wanted, np.finfo(np.float32).tiny * 2**_DROPPED_BITS).astype(np.float32)
    bits = scales.view(np.uint32)
    step = np.uint32(1 << _DROPPED_BITS)
    up = ((bits + step - np.uint32(1)) // step * step).view(np.float32)
    rounded: np.ndarray = np.where(largest > 0, up, np.float32(1)).astype(np.float32)
    return rounded


def quantise(
    values: np.ndarray, bit_width: int = 8, *, per_channel: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes, int8 of the shape of `values`, and scales, float32 of shape (C,) or (1,).

    Parameters
    ----------
    values
        Weights, shape (C, ...), float32.
    bit_width
        7 or 8.
    per_channel
        One scale per first index, or one for all.
    """
    rows = values.reshape(values.shape[0] if per_channel else 1, -1)
    scales = exact_scales(np.abs(rows).max(axis=1), bit_width)
    most = largest_code(bit_width)
    codes = np.clip(np.rint(rows.astype(np.float64) / scales[:, None]), -most, most)
    return codes.astype(np.int8).reshape(values.shape), scales


def dequantise(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return codes times scales, exact in float32, in the shape of `codes`."""
    rows = codes.reshape(len(scales), -1).astype(np.float32)
    values: np.ndarray = rows * scales[:, None]
    return values.reshape(codes.shape)


def encode_int8(codes: np.ndarray, scales: np.ndarray, bit_width: int = 8) -> CodedTensor:
    """Pack what `quantise` returned: a byte per weight, 4 bytes per scale."""
    header = _header(codes.shape, bit_width)
    return CodedTensor(INT8, {"codes": codes.reshape(-1), "scale": scales}, header)


def plan_int8(shape: Sequence[int], bit_width: int = 8, *, per_channel: bool = True) -> CodedTensor:
    """Return what `encode_int8` gives, without values."""
    arrays = {
        "codes": placeholder(np.int8, prod(shape)),
        "scale": placeholder(np.float32, shape[0] if per_channel else 1),
    }
    return CodedTensor(INT8, arrays, _header(shape, bit_width))


def decode_int8(coded: CodedTensor) -> np.ndarray:
    """Return the values of a tensor of 8-bit integers, in its shape.

    Raises
    ------
    InputError
        If it is damaged.
    """
    shape = shape_of(coded)
    codes, scales = part(coded, "codes", np.int8), part(coded, "scale", np.float32)
    most = largest_code(header_int(coded.header, "bit_width", 7, 8))
    if codes.size != prod(shape) or scales.size not in (1, shape[0] if shape else 1):
        raise InputError("An INT8 tensor is damaged", why="its parts have the wrong lengths")
    sound = bool(np.isfinite(scales).all()) and bool((scales > 0).all())
    if not sound or (codes.size and int(np.abs(codes.astype(np.int16)).max()) > most):
        raise InputError("An INT8 tensor is damaged", why="its codes or scales are out of range")
    return dequantise(codes.reshape(shape), scales)


def _header(shape: Sequence[int], bit_width: int) -> dict[str, object]:
    return {"shape": list(shape), "bit_width": bit_width, "traits": [QUANTISED]}
