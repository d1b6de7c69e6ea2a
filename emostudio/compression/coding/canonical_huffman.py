"""Canonical Huffman codes: only the code lengths are stored, the codes follow from them.

References
----------
.. [1] Huffman, "A method for the construction of minimum-redundancy codes", Proc. IRE, 1952.
.. [2] Schwartz and Kallick, "Generating a canonical prefix encoding", CACM 7(3), 1964.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

from emostudio.compression.coding import fixed_width
from emostudio.core.errors import InputError

MAX_LENGTH = 31
LENGTH_BITS = 5


def code_lengths(frequencies: np.ndarray) -> np.ndarray:
    """Return the optimal code length of each symbol.

    Parameters
    ----------
    frequencies
        How often each symbol occurs, shape (k,).

    Returns
    -------
    uint8 of shape (k,): 0 where a symbol never occurs, 1 for a single symbol, at most
    `MAX_LENGTH` (reached only by texts of millions of symbols with Fibonacci frequencies, whose
    code is then a little longer than optimal).
    """
    counts = np.asarray(frequencies, np.int64)
    lengths = _tree_depths(counts)
    while lengths.max(initial=0) > MAX_LENGTH:
        counts = np.where(counts > 0, counts // 2 + 1, 0)
        lengths = _tree_depths(counts)
    return lengths.astype(np.uint8)


def coded_bits(frequencies: np.ndarray, lengths: np.ndarray) -> int:
    """Return the length of a text with `frequencies` in bits."""
    return int(np.dot(np.asarray(frequencies, np.int64), lengths.astype(np.int64)))


def pack_lengths(lengths: np.ndarray) -> np.ndarray:
    """Pack code lengths of shape (k,) into `LENGTH_BITS` bits each."""
    return fixed_width.pack(lengths, LENGTH_BITS)


def unpack_lengths(packed: np.ndarray, symbols: int) -> np.ndarray:
    """Return the code lengths of an alphabet, checked to form a complete prefix code.

    Raises
    ------
    InputError
        If no prefix code has these lengths.
    """
    lengths = fixed_width.unpack(packed, LENGTH_BITS, symbols)
    used = lengths[lengths > 0].astype(np.float64)
    kraft = float(np.sum(2.0**-used))
    single = used.size == 1 and used[0] == 1
    if used.size and not single and kraft != 1.0:
        raise InputError(
            "A Huffman table is damaged", why=f"its code lengths have Kraft sum {kraft:.6g}"
        )
    return lengths


def encode(symbols: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Code a text, highest bit first.

    Parameters
    ----------
    symbols
        Shape (n,), uint8 or uint16, below k.
    lengths
        Code length of each symbol, shape (k,).

    Returns
    -------
    uint8 of shape (ceil(bits / 8),).
    """
    frequencies = np.bincount(symbols, minlength=lengths.size)
    stream = np.zeros(-(-coded_bits(frequencies, lengths) // 8), np.uint8)
    _encode(symbols, lengths.astype(np.int64), _canonical_codes(lengths), stream)
    return stream


def decode(stream: np.ndarray, lengths: np.ndarray, count: int) -> np.ndarray:
    """Return the `count` symbols of a coded text, uint8 up to 256 symbols, else uint16.

    Raises
    ------
    InputError
        If the stream holds no such text, or more than that.
    """
    if count > 8 * stream.size:  # before memory is taken: every symbol has a bit at least
        raise InputError("A Huffman stream is damaged", why=f"it is too short for {count} symbols")
    symbols = np.empty(count, np.uint8 if lengths.size <= 256 else np.uint16)
    order = np.lexsort((np.arange(lengths.size), lengths))
    order = order[lengths[order] > 0]
    if count and not order.size:
        raise InputError("A Huffman stream is damaged", why="its table is empty")
    per_length = np.bincount(lengths[order], minlength=MAX_LENGTH + 1)
    used = _decode(stream, order.astype(np.int64), per_length.astype(np.int64), symbols)
    if used < 0 or -(-used // 8) != stream.size:
        raise InputError("A Huffman stream is damaged", why="it ends at the wrong place")
    return symbols


def _tree_depths(counts: np.ndarray) -> np.ndarray:
    depths = np.zeros(counts.size, np.int64)
    heap: list[tuple[int, int, tuple[int, ...]]] = [
        (int(counts[symbol]), int(symbol), (int(symbol),)) for symbol in np.flatnonzero(counts)
    ]
    if len(heap) == 1:
        depths[heap[0][1]] = 1
        return depths
    heapq.heapify(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap), heapq.heappop(heap)
        members = first[2] + second[2]
        depths[list(members)] += 1
        heapq.heappush(heap, (first[0] + second[0], min(first[1], second[1]), members))
    return depths


def _canonical_codes(lengths: np.ndarray) -> np.ndarray:
    codes = np.zeros(lengths.size, np.int64)
    code, previous = 0, 0
    for symbol in np.lexsort((np.arange(lengths.size), lengths)):
        length = int(lengths[symbol])
        if length == 0:
            continue
        code <<= length - previous
        codes[symbol] = code
        code, previous = code + 1, length
    return codes


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba has no types
def _encode(
    symbols: np.ndarray, lengths: np.ndarray, codes: np.ndarray, stream: np.ndarray
) -> None:
    buffer, filled, place = 0, 0, 0
    for symbol in symbols:
        buffer = (buffer << lengths[symbol]) | codes[symbol]
        filled += lengths[symbol]
        while filled >= 8:
            filled -= 8
            stream[place] = (buffer >> filled) & 255
            place += 1
        buffer &= (1 << filled) - 1
    if filled > 0:
        stream[place] = (buffer << (8 - filled)) & 255


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba has no types
def _decode(
    stream: np.ndarray, order: np.ndarray, per_length: np.ndarray, symbols: np.ndarray
) -> int:
    """Return the bits read, or -1 where the stream is not a text of this code."""
    position, available = 0, stream.size * 8
    for index in range(symbols.size):
        code, first, offset, found = 0, 0, 0, False
        for length in range(1, per_length.size):
            if position >= available:
                return -1
            code = (code << 1) | ((stream[position >> 3] >> (7 - (position & 7))) & 1)
            position += 1
            here = per_length[length]
            if code - first < here:
                symbols[index] = order[offset + code - first]
                found = True
                break
            offset += here
            first = (first + here) << 1
        if not found:
            return -1
    return position
