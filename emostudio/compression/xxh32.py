"""xxHash32 of pairs of numbers: where a virtual weight lies, without any table.

The hash of the 8 little-endian bytes of (row, column), both unsigned 32-bit integers, is the same
on every machine and in every process.

References
----------
.. [1] Collet, "xxHash fast digest algorithm", specification 0.1.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGN_SEED = 0x9E3779B9
"""Mixed into the seed for signs: the low bit of the place's own hash would fix its parity."""

_CHUNK_PAIRS = 1 << 22


def virtual_entries(
    shape: tuple[int, int],
    bucket_count: int,
    seed: int,
    *,
    signed: bool = True,
    first_row: int = 0,
    report: Callable[[float], object] = lambda _: None,
) -> NDArray[np.int32]:
    """Return bucket and sign of every position of a matrix.

    Parameters
    ----------
    shape
        (rows, columns).
    bucket_count
        Number of buckets, below 2**31 - 1.
    seed
        Unsigned 32-bit.
    signed
        Whether half of the positions are negative.
    first_row
        Number of the first row, to hash some rows of a larger matrix.
    report
        ``report(fraction)`` is called a few times a second; may raise to cancel.

    Returns
    -------
    ``sign * (bucket + 1)``, int32 of shape (rows * columns,), row-major.
    """
    rows, columns = shape
    fill = _compiled()
    entries = np.empty(rows * columns, np.int32)
    step = max(1, _CHUNK_PAIRS // max(columns, 1))
    for start in range(0, rows, step):
        end = min(rows, start + step)
        part = entries[start * columns : end * columns]
        fill(part, first_row + start, first_row + end, columns, bucket_count, seed, signed)
        report(end / rows)
    return entries


@cache
def _compiled() -> Callable[..., None]:
    """Compile the loop on first use: numba takes a second to load."""
    import numba

    hashed = numba.njit(inline="always")(_hash_pair)

    def fill(
        entries: Any, start: int, end: int, columns: int, count: int, seed: int, signed: bool
    ) -> None:
        place = 0
        sign_seed = seed ^ 0x9E3779B9
        for row in range(start, end):
            for column in range(columns):
                bucket = np.int64(hashed(row, column, seed)) % count + 1
                if signed and hashed(row, column, sign_seed) & np.uint32(1):
                    bucket = -bucket
                entries[place] = bucket
                place += 1

    compiled: Callable[..., None] = numba.njit(nogil=True)(fill)
    return compiled


def _hash_pair(row: int, column: int, seed: int) -> Any:
    """Return the hash of the 8 bytes of (row, column), an unsigned 32-bit integer."""
    mask = np.uint64(0xFFFFFFFF)
    value = (np.uint64(seed) + np.uint64(374761393) + np.uint64(8)) & mask
    for number in (row, column):
        value = (value + np.uint64(number) * np.uint64(3266489917)) & mask
        value = ((value << np.uint64(17)) | (value >> np.uint64(15))) & mask
        value = (value * np.uint64(668265263)) & mask
    value ^= value >> np.uint64(15)
    value = (value * np.uint64(2246822519)) & mask
    value ^= value >> np.uint64(13)
    value = (value * np.uint64(3266489917)) & mask
    value ^= value >> np.uint64(16)
    return np.uint32(value)
