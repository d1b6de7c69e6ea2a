"""Hashing places, looking hashed weights up and summing them up in one pass each, compiled.

Torch and NumPy need several passes over arrays that are as large as the virtual matrix.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from emostudio.inference.packed.compiling import kernel, threaded_kernel

_P2, _P3, _P4, _P5 = (np.uint32(prime) for prime in (2246822519, 3266489917, 668265263, 374761393))
_LENGTH = np.uint32(8)  # bytes hashed: two numbers

# numba widens sums and products to 64 bits; each is cut to the 32 that the hash works in.


@kernel
def _mixed(state: Any, number: Any) -> Any:
    """Return the state after 4 more bytes."""
    state = np.uint32(state + np.uint32(np.uint32(number) * _P3))
    turned = np.uint32(np.uint32(state << np.uint32(17)) | np.uint32(state >> np.uint32(15)))
    return np.uint32(turned * _P4)


@kernel
def _finished(state: Any) -> Any:
    """Return the hash of the bytes so far."""
    state = np.uint32((state ^ np.uint32(state >> np.uint32(15))) * _P2)
    state = np.uint32((state ^ np.uint32(state >> np.uint32(13))) * _P3)
    return np.uint32(state ^ np.uint32(state >> np.uint32(16)))


@kernel
def hash_places(out: Any, first_row: Any, seed: Any, bucket_count: Any) -> None:
    """Write one more than the bucket of every place to `out`, int32 (rows, columns)."""
    start, count = np.uint32(np.uint32(seed) + np.uint32(_P5 + _LENGTH)), np.uint32(bucket_count)
    for row in range(out.shape[0]):
        state = _mixed(start, first_row + row)
        for column in range(out.shape[1]):
            out[row, column] = np.int32(_finished(_mixed(state, column)) % count) + 1


@kernel
def hash_signs(out: Any, first_row: Any, seed: Any) -> None:
    """Negate about half of the places of `out`, int32 (rows, columns)."""
    start = np.uint32(np.uint32(seed) + np.uint32(_P5 + _LENGTH))
    for row in range(out.shape[0]):
        state = _mixed(start, first_row + row)
        for column in range(out.shape[1]):
            odd = np.int32(_finished(_mixed(state, column)) & np.uint32(1))
            out[row, column] = (out[row, column] ^ -odd) + odd


# Signs are as good as random: a branch on them would be guessed wrong every second time.


@kernel
def look_up(buckets: Any, entries: Any, out: Any) -> None:
    """Write ``sign * buckets[bucket]`` for entries int32 (n,)."""
    for place in range(len(entries)):
        entry = entries[place]
        negative = entry >> 31
        value = buckets[np.uint32((entry ^ negative) - negative - 1)]
        out[place] = value if negative == 0 else -value


@kernel
def gather(values: Any, entries: Any, out: Any) -> None:
    """Add the signed values (n,) of each bucket's members to `out` (K,)."""
    for place in range(len(entries)):
        entry = entries[place]
        negative = entry >> 31
        value = values[place]
        out[np.uint32((entry ^ negative) - negative - 1)] += value if negative == 0 else -value


# Codes of 16 bits: the bucket counted from the first of its block, and the sign as the upper bit.
# Blocks share no buckets, so threads may take a block each. `places` says where the weights of each
# block begin in `codes`, and the end; `first_buckets` where its buckets do.


@kernel
def _look_up_block(
    block: Any, buckets: Any, codes: Any, first_buckets: Any, places: Any, weights: Any
) -> None:
    first, last = places[block], places[block + 1]
    own, given = buckets[first_buckets[block] :], codes[first:last]
    part = weights[first - places[0] : last - places[0]]
    for place in range(len(given)):
        code = given[place]
        value = own[np.uint64(code & np.uint16(0x7FFF))]
        part[place] = value if code < np.uint16(0x8000) else -value


@kernel
def _gather_block(
    block: Any, buckets: Any, codes: Any, first_buckets: Any, places: Any, weights: Any
) -> None:
    first, last = places[block], places[block + 1]
    own, given = buckets[first_buckets[block] :], codes[first:last]
    part = weights[first - places[0] : last - places[0]]
    for place in range(len(given)):
        code = given[place]
        value = part[place]
        signed = value if code < np.uint16(0x8000) else -value
        own[np.uint64(code & np.uint16(0x7FFF))] += signed


@kernel
def _look_up(buckets: Any, codes: Any, first_buckets: Any, places: Any, weights: Any) -> None:
    for block in range(len(first_buckets)):
        _look_up_block(block, buckets, codes, first_buckets, places, weights)


@threaded_kernel
def _look_up_threaded(
    buckets: Any, codes: Any, first_buckets: Any, places: Any, weights: Any
) -> None:
    for block in numba.prange(len(first_buckets)):
        _look_up_block(block, buckets, codes, first_buckets, places, weights)


@kernel
def _gather(buckets: Any, codes: Any, first_buckets: Any, places: Any, weights: Any) -> None:
    for block in range(len(first_buckets)):
        _gather_block(block, buckets, codes, first_buckets, places, weights)


@threaded_kernel
def _gather_threaded(
    buckets: Any, codes: Any, first_buckets: Any, places: Any, weights: Any
) -> None:
    for block in numba.prange(len(first_buckets)):
        _gather_block(block, buckets, codes, first_buckets, places, weights)


class Pair(NamedTuple):
    """One pass over blocks: ``(buckets, codes, first_buckets, places, weights)``."""

    alone: Any
    threaded: Any


LOOK_UP_BLOCKS = Pair(_look_up, _look_up_threaded)
"""Writes the weights of some blocks from their buckets."""

GATHER_BLOCKS = Pair(_gather, _gather_threaded)
"""Adds the signed weights of some blocks to their buckets."""
