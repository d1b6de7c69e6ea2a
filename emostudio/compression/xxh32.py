"""xxHash32 of pairs of numbers: where a virtual weight lies, without any table.

What is hashed are the 8 bytes of (row, column) as little-endian uint32, whatever the machine's own
byte order; the same numbers come out everywhere.

References
----------
.. [1] Collet, "xxHash fast digest algorithm", specification 0.1.1, section XXH32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SIGN_SEED = 0x9E3779B9
"""Mixed into the seed for signs: the low bit of the place's own hash would fix its parity."""

_CHUNK_PAIRS = 1 << 16
_P2, _P3, _P4, _P5 = (np.uint32(prime) for prime in (2246822519, 3266489917, 668265263, 374761393))
_LENGTH = np.uint32(8)


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
    entries = np.empty(shape, np.int32)
    step = max(1, _CHUNK_PAIRS // max(columns, 1))
    for start in range(0, rows, step):
        end = min(rows, start + step)
        numbers = np.arange(first_row + start, first_row + end, dtype=np.uint32)
        part = _hashes(numbers, columns, seed) % np.uint32(bucket_count)
        places = part.astype(np.int32) + np.int32(1)
        if signed:
            negative = _hashes(numbers, columns, seed ^ SIGN_SEED) & np.uint32(1)
            np.negative(places, out=places, where=negative.astype(np.bool_))
        entries[start:end] = places
        report(end / rows)
    return entries.reshape(-1)


def _hashes(rows: NDArray[np.uint32], columns: int, seed: int) -> NDArray[np.uint32]:
    """Return the hash of every row number with every column, (R, C)."""
    # arrays, because NumPy warns of overflow in scalars only
    start = np.full(len(rows), seed, np.uint32) + _P5 + _LENGTH
    first = _round(start + rows * _P3)
    places = np.arange(columns, dtype=np.uint32) * _P3
    hashes = _round(first[:, None] + places[None, :])
    hashes ^= hashes >> np.uint32(15)
    hashes *= _P2
    hashes ^= hashes >> np.uint32(13)
    hashes *= _P3
    hashes ^= hashes >> np.uint32(16)
    return hashes


def _round(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    high = hashes >> np.uint32(15)
    hashes <<= np.uint32(17)
    hashes |= high
    hashes *= _P4
    return hashes
