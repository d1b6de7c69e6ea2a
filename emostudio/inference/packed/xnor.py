"""Sums of products of signs by looking up four products at a time.

Activations hold one byte for four channels, ``16 * nibble``: the place of a row in a table of
popcounts. Weights hold 32 bytes for 64 outputs and four inputs: of byte b, the low nibble belongs
to one output of the first half of 32, the high nibble to the same of the second. One shuffle then
looks up the differing signs of 32 outputs. Without AVX2, bits are counted by NumPy.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import xnor as kernels

OUTPUTS = 64
"""Outputs of one block of weights."""
GROUP = 4
"""Inputs that share a byte."""
_TABLE = np.array([(a ^ w).bit_count() for a in range(16) for w in range(16)], np.uint8)
PLACE_OF_BYTE = np.array([p // 2 + 16 * (p % 2) for p in range(32)])
"""Which of 32 outputs a byte belongs to: widening even and odd bytes gives them in order."""

Bytes = NDArray[np.uint8]


def packed_weights(
    upper: NDArray[np.bool_], place_of_byte: NDArray[np.int64] = PLACE_OF_BYTE
) -> Bytes:
    """Pack the signs of weights for `count_differing`.

    Parameters
    ----------
    upper
        True for +1, shape (O, R, I): runs of inputs that lie together in memory.
    place_of_byte
        Which of 32 outputs each byte belongs to.

    Returns
    -------
    uint8 (blocks, R, ceil(I / 4), 32).
    """
    outputs, runs, inputs = upper.shape
    blocks, groups = -(-outputs // OUTPUTS), -(-inputs // GROUP)
    padded = np.zeros((blocks * OUTPUTS, runs, groups * GROUP), np.uint8)
    padded[:outputs, :, :inputs] = upper
    nibbles = nibbles_of(padded).reshape(blocks, 2, 32, runs, groups)
    ordered = nibbles[:, :, place_of_byte].transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(ordered[:, 0] | (ordered[:, 1] << 4))


def unpacked_weights(
    packed: Bytes,
    outputs: int,
    inputs: int,
    place_of_byte: NDArray[np.int64] = PLACE_OF_BYTE,
) -> NDArray[np.bool_]:
    """Return the signs (O, R, I) that `packed_weights` packed."""
    blocks, runs, groups, _ = packed.shape
    nibbles = np.empty((blocks, 2, 32, runs, groups), np.uint8)
    parts = np.stack([packed & 15, packed >> 4], axis=1).transpose(0, 1, 4, 2, 3)
    nibbles[:, :, place_of_byte] = parts
    bits = (nibbles[..., None] >> np.arange(GROUP, dtype=np.uint8)) & 1
    flat = bits.reshape(blocks * OUTPUTS, runs, groups * GROUP)
    return flat[:outputs, :, :inputs].astype(np.bool_)


def nibbles_of(bits: NDArray[np.uint8]) -> Bytes:
    """Return (..., I / 4) numbers below 16 for bits (..., I)."""
    grouped = bits.reshape(*bits.shape[:-1], -1, GROUP)
    packed: Bytes = (grouped << np.arange(GROUP, dtype=np.uint8)).sum(axis=-1, dtype=np.uint8)
    return packed


@dataclass(frozen=True)
class Reach:
    """Where the inputs of every output place lie in packed activations.

    Attributes
    ----------
    origins
        Offset of each place's first byte, int64 (P,).
    runs
        Offset of each run of inputs from there, int64 (R,).
    length
        Bytes of a run.
    """

    origins: NDArray[np.int64]
    runs: NDArray[np.int64]
    length: int


def count_differing(
    activations: Bytes,
    weights: Bytes,
    window: Reach,
    counts: NDArray[np.uint16],
    threads: int,
    *,
    vectors: bool = True,
) -> None:
    """Count the differing signs of every place and output.

    Parameters
    ----------
    activations
        Flat, ``16 * nibble`` each.
    weights
        From `packed_weights`.
    window
        Where to read.
    counts
        Written: (P, outputs padded to blocks of 64).
    threads
        Threads to share the work.
    vectors
        False counts with NumPy.
    """
    if not vectors:
        _count_plainly(activations, weights, window, counts)
        return
    flat, wide = weights.reshape(-1), counts.reshape(-1)
    blocks, places = len(weights), len(window.origins)
    arguments = (activations, flat, window.origins, window.runs, window.length, _TABLE, wide)
    if threads == 1:
        kernels.count(*arguments, blocks, 0, blocks, 0, places)
    else:
        parts = parts_of(blocks, places, threads)
        use_threads(threads)
        kernels.count_threaded(*arguments, blocks, places, parts)


def parts_of(blocks: int, places: int, threads: int) -> int:
    """Return into how many parts the places are split, so that threads get even shares."""
    return 1 if blocks >= 4 * threads else min(2 * threads, max(1, places // 8))


def _count_plainly(
    activations: Bytes, weights: Bytes, window: Reach, counts: NDArray[np.uint16]
) -> None:
    groups = weights.shape[2]
    signs = unpacked_weights(weights, len(weights) * OUTPUTS, groups * GROUP)
    words = np.packbits(signs.reshape(len(signs), -1), axis=1)
    reach = window.runs[:, None] + np.arange(window.length)
    for place, origin in enumerate(window.origins):
        nibbles = activations[origin + reach.reshape(-1)] >> 4
        bits = (nibbles[:, None] >> np.arange(GROUP, dtype=np.uint8)) & 1
        differing = np.bitwise_count(words ^ np.packbits(bits.reshape(-1)))
        counts[place] = differing.sum(axis=1, dtype=np.uint16)
