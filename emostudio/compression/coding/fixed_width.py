"""Integers of a fixed bit width, and masks of one bit per weight."""

from __future__ import annotations

import numpy as np
from numba import njit

from emostudio.core.errors import InputError


def packed_bytes(count: int, bit_width: int) -> int:
    """Return the bytes that `count` integers of `bit_width` bits take."""
    return -(-count * bit_width // 8)


def pack(values: np.ndarray, bit_width: int) -> np.ndarray:
    """Pack integers below 2**bit_width, the lowest bit first.

    Parameters
    ----------
    values
        Shape (n,), uint8 or uint16.
    bit_width
        1 to 16.

    Returns
    -------
    uint8 of shape (`packed_bytes`,); the last byte is filled up with zeros.
    """
    packed = np.zeros(packed_bytes(values.size, bit_width), np.uint8)
    _pack(values.astype(np.uint16, copy=False), bit_width, packed)
    return packed


def unpack(packed: np.ndarray, bit_width: int, count: int) -> np.ndarray:
    """Return the `count` integers `pack` stored, uint8 up to 8 bits and uint16 above.

    Raises
    ------
    InputError
        If `packed` is too short or too long.
    """
    if packed.dtype != np.uint8 or packed.size != packed_bytes(count, bit_width):
        raise InputError(
            "A packed tensor is damaged",
            why=f"{packed.size} bytes instead of {packed_bytes(count, bit_width)}",
        )
    values = np.empty(count, np.uint8 if bit_width <= 8 else np.uint16)
    _unpack(packed, bit_width, values)
    return values


def pack_mask(mask: np.ndarray) -> np.ndarray:
    """Pack booleans of shape (n,) into ceil(n / 8) bytes."""
    packed: np.ndarray = np.packbits(mask, bitorder="little")
    return packed


def unpack_mask(packed: np.ndarray, count: int, survivors: int) -> np.ndarray:
    """Return the booleans `pack_mask` stored, checked against their number of ones.

    Raises
    ------
    InputError
        If the length or the number of ones is wrong.
    """
    if packed.dtype != np.uint8 or packed.size != packed_bytes(count, 1):
        raise InputError("A pruning mask is damaged", why="it has the wrong length")
    mask = np.unpackbits(packed, count=count, bitorder="little").view(bool)
    found = int(np.count_nonzero(mask))
    if found != survivors:
        raise InputError("A pruning mask is damaged", why=f"{found} ones instead of {survivors}")
    return mask


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba has no types
def _pack(values: np.ndarray, bit_width: int, packed: np.ndarray) -> None:
    buffer, filled, place = 0, 0, 0
    for value in values:
        buffer |= int(value) << filled
        filled += bit_width
        while filled >= 8:
            packed[place] = buffer & 255
            place += 1
            buffer >>= 8
            filled -= 8
    if filled > 0:
        packed[place] = buffer & 255


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba has no types
def _unpack(packed: np.ndarray, bit_width: int, values: np.ndarray) -> None:
    buffer, filled, place = 0, 0, 0
    low_bits = (1 << bit_width) - 1
    for index in range(values.size):
        while filled < bit_width:
            buffer |= int(packed[place]) << filled
            place += 1
            filled += 8
        values[index] = buffer & low_bits
        buffer >>= bit_width
        filled -= bit_width
