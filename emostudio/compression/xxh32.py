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

from emostudio.compression import hash_kernels

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
    entries = np.empty(shape, np.int32)
    step = max(1, _CHUNK_PAIRS // max(columns, 1))
    sign_seed = seed ^ SIGN_SEED
    for start in range(0, rows, step):
        end = min(rows, start + step)
        part = entries[start:end]
        hash_kernels.hash_places(part, first_row + start, seed, bucket_count)
        if signed:
            hash_kernels.hash_signs(part, first_row + start, sign_seed)
        report(end / rows)
    return entries.reshape(-1)
