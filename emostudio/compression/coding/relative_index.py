"""The sparse code of Deep Compression: distances between the surviving weights.

Each entry keeps the distance from the previous entry, less one, in `index_width` bits. Where the
next survivor is farther than that reaches, a filler is stored: the largest index field and value
code 0. Trailing zeros are not stored.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, section 2.
"""

from __future__ import annotations

import numpy as np

from emostudio.compression.coding import canonical_huffman
from emostudio.core.errors import InputError

MAX_INDEX_WIDTH = 12


def encode(
    survivors: np.ndarray, codes: np.ndarray, index_width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Turn positions into index fields, with fillers where the distance is too long.

    Parameters
    ----------
    survivors
        Ascending positions of the stored weights, shape (m,).
    codes
        Their values or value codes, shape (m,); fillers get 0.
    index_width
        Bits of an index field.

    Returns
    -------
    fields, codes
        Shape (entries,): uint16 and the type of `codes`.
    """
    distances = np.diff(survivors, prepend=-1) - 1
    fillers = distances >> index_width
    places = np.arange(survivors.size) + np.cumsum(fillers)
    entries = int(places[-1]) + 1 if survivors.size else 0
    fields = np.full(entries, (1 << index_width) - 1, np.uint16)
    fields[places] = distances & ((1 << index_width) - 1)
    values = np.zeros(entries, codes.dtype)
    values[places] = codes
    return fields, values


def positions(fields: np.ndarray, count: int) -> np.ndarray:
    """Return the position of every entry, fillers included.

    Raises
    ------
    InputError
        If an entry lies behind the last of `count` weights.
    """
    places = np.cumsum(fields.astype(np.int64) + 1) - 1
    if places.size and places[-1] >= count:
        raise InputError(
            "A sparse tensor is damaged", why=f"entry at {places[-1]} of {count} weights"
        )
    return places


def best_index_width(survivors: np.ndarray, value_frequencies: np.ndarray | None) -> int:
    """Return the index width with the fewest bits after Huffman coding.

    Parameters
    ----------
    survivors
        Ascending positions of the stored weights, shape (m,).
    value_frequencies
        Occurrences of each value code, shape (k,); None where values are stored as float32.
    """
    gaps, counts = np.unique(np.diff(survivors, prepend=-1) - 1, return_counts=True)
    bits = [
        _total_bits(gaps, counts, value_frequencies, width)
        for width in range(1, MAX_INDEX_WIDTH + 1)
    ]
    return 1 + int(np.argmin(bits))


def _total_bits(
    gaps: np.ndarray, counts: np.ndarray, value_frequencies: np.ndarray | None, width: int
) -> int:
    symbols = 1 << width
    fields = np.bincount(gaps & (symbols - 1), weights=counts, minlength=symbols).astype(np.int64)
    fillers = int(np.dot(gaps >> width, counts))
    fields[symbols - 1] += fillers
    table = symbols * canonical_huffman.LENGTH_BITS
    index_bits = canonical_huffman.coded_bits(fields, canonical_huffman.code_lengths(fields))
    if value_frequencies is None:
        return index_bits + table + 32 * fillers
    values = np.asarray(value_frequencies, np.int64).copy()
    values[0] += fillers
    value_bits = canonical_huffman.coded_bits(values, canonical_huffman.code_lengths(values))
    return index_bits + table + value_bits
