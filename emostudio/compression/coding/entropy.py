"""The entropy-coded form of a tensor: Huffman codes of value codes and of distances."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np
from scipy.special import ndtri

from emostudio.compression import lloyd
from emostudio.compression.base import ENTROPY_CODED, PRUNED, QUANTISED, SHARED
from emostudio.compression.coding import (
    canonical_huffman,
    codecs,
    fixed_width,
    int8,
    relative_index,
)
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor

HUFFMAN = "sparse-rel+huff"
_SAMPLE = 20_000
_INTEGERS = 256
_MIDDLE = 128


def encode(coded: CodedTensor) -> CodedTensor:
    """Code a pruned or shared tensor once more, without loss.

    Parameters
    ----------
    coded
        A tensor of codec ``masked32`` (values stay float32, distances are coded), ``codebook``
        (value codes are coded, and distances where weights were pruned) or ``int8``.
    """
    if coded.codec == int8.INT8:
        return _encode_integers(coded)
    shape = codecs.shape_of(coded)
    mask = codecs.survivor_mask(coded)
    if coded.codec == codecs.MASKED:
        values = codecs.part(coded, "values", np.float32)
        return _pack(values, None, mask, shape)
    codes = codecs.codebook_codes(coded)
    if mask is not None:
        codes = codes[mask]
    return _pack(codes, coded.arrays["codebook"], mask, shape)


def _pack(
    values: np.ndarray, codebook: np.ndarray | None, mask: np.ndarray | None, shape: Sequence[int]
) -> CodedTensor:
    frequencies = None
    if codebook is not None:
        frequencies = np.bincount(values, minlength=codebook.size)
    arrays: dict[str, np.ndarray] = {}
    width = 0
    if mask is not None:
        survivors = np.flatnonzero(mask)
        width = relative_index.best_index_width(survivors, frequencies)
        fields, values = relative_index.encode(survivors, values, width)
        lengths = canonical_huffman.code_lengths(np.bincount(fields, minlength=1 << width))
        arrays["index_lengths"] = canonical_huffman.pack_lengths(lengths)
        arrays["index_stream"] = canonical_huffman.encode(fields, lengths)
    if codebook is None:
        arrays["values"] = values
    else:
        lengths = canonical_huffman.code_lengths(np.bincount(values, minlength=codebook.size))
        arrays["codebook"] = codebook
        arrays["value_lengths"] = canonical_huffman.pack_lengths(lengths)
        arrays["value_stream"] = canonical_huffman.encode(values, lengths)
    survivors_count = values.size if mask is None else int(np.count_nonzero(mask))
    header = _header(shape, survivors_count, int(values.size), width, shared=codebook is not None)
    return CodedTensor(HUFFMAN, arrays, header)


def _encode_integers(coded: CodedTensor) -> CodedTensor:
    codes = codecs.part(coded, "codes", np.int8)
    symbols = (codes.astype(np.int16) + _MIDDLE).astype(np.uint8)
    lengths = canonical_huffman.code_lengths(np.bincount(symbols, minlength=_INTEGERS))
    arrays = {
        "scale": codecs.part(coded, "scale", np.float32),
        "value_lengths": canonical_huffman.pack_lengths(lengths),
        "value_stream": canonical_huffman.encode(symbols, lengths),
    }
    return CodedTensor(HUFFMAN, arrays, _integer_header(coded))


def _integer_header(coded: CodedTensor) -> dict[str, Any]:
    shape = codecs.shape_of(coded)
    header = _header(shape, prod(shape), prod(shape), 0, shared=False)
    traits = [ENTROPY_CODED, QUANTISED]
    return {**header, "bit_width": coded.header["bit_width"], "traits": traits}


def _decode_integers(coded: CodedTensor, count: int) -> np.ndarray:
    table = codecs.part(coded, "value_lengths", np.uint8)
    lengths = canonical_huffman.unpack_lengths(table, _INTEGERS)
    stream = codecs.part(coded, "value_stream", np.uint8)
    symbols = canonical_huffman.decode(stream, lengths, count)
    codes = (symbols.astype(np.int16) - _MIDDLE).astype(np.int8)
    arrays = {"codes": codes, "scale": codecs.part(coded, "scale", np.float32)}
    return int8.decode_int8(CodedTensor(int8.INT8, arrays, coded.header))


def _header(
    shape: Sequence[int], survivors: int, entries: int, index_width: int, *, shared: bool
) -> dict[str, Any]:
    traits = [ENTROPY_CODED]
    traits += [PRUNED] if index_width else []
    traits += [SHARED] if shared else []
    return {
        "shape": list(shape),
        "survivors": survivors,
        "entries": entries,
        "index_width": index_width,
        "traits": traits,
    }


def decode(coded: CodedTensor) -> np.ndarray:
    """Return the values of an entropy-coded tensor, in its shape.

    Raises
    ------
    InputError
        If it is damaged.
    """
    shape = codecs.shape_of(coded)
    count = prod(shape)
    if "scale" in coded.arrays:
        return _decode_integers(coded, count)
    index_width = codecs.header_int(coded.header, "index_width", 0, relative_index.MAX_INDEX_WIDTH)
    entries = codecs.header_int(coded.header, "entries", 0, count)
    values = _decoded_values(coded, entries)
    if index_width == 0:
        if entries != count:
            raise InputError("A coded tensor is damaged", why="it has too few entries")
        return values.reshape(shape)
    stream = codecs.part(coded, "index_stream", np.uint8)
    table = codecs.part(coded, "index_lengths", np.uint8)
    lengths = canonical_huffman.unpack_lengths(table, 1 << index_width)
    fields = canonical_huffman.decode(stream, lengths, entries)
    full = np.zeros(count, np.float32)
    full[relative_index.positions(fields, count)] = values
    return full.reshape(shape)


def _decoded_values(coded: CodedTensor, entries: int) -> np.ndarray:
    if "values" in coded.arrays:
        values = codecs.part(coded, "values", np.float32)
        if values.size != entries:
            raise InputError("A coded tensor is damaged", why="it has the wrong number of values")
        return values
    codebook = codecs.part(coded, "codebook", np.float32)
    if PRUNED in coded.header.get("traits", ()):
        codecs.require_reserved_zero(codebook)
    table = codecs.part(coded, "value_lengths", np.uint8)
    lengths = canonical_huffman.unpack_lengths(table, codebook.size)
    stream = codecs.part(coded, "value_stream", np.uint8)
    decoded: np.ndarray = codebook[canonical_huffman.decode(stream, lengths, entries)]
    return decoded


def estimate(coded: CodedTensor) -> CodedTensor:
    """Return arrays of the sizes to expect before the weights are known.

    Weights are taken as normally distributed, pruned by magnitude and clustered by k-means, and
    the survivors as scattered at random.
    """
    shape = codecs.shape_of(coded)
    count = prod(shape)
    if coded.codec == int8.INT8:
        return _estimate_integers(coded, count)
    survivors = codecs.survivor_count(coded, count)
    pruned = codecs.is_pruned(coded)
    arrays: dict[str, np.ndarray] = {}
    width, entries = 0, survivors
    if pruned:
        width, index_bits, fillers = _expected_index(count, survivors)
        entries = min(count, survivors + round(fillers))
        arrays["index_lengths"] = _blob((1 << width) * canonical_huffman.LENGTH_BITS)
        arrays["index_stream"] = _blob(index_bits)
    shared = "codebook" in coded.arrays
    if shared:
        symbols = coded.arrays["codebook"].size
        bits = entries * _value_entropy(symbols, max(round(survivors / count, 3), 0.001))
        arrays["codebook"] = codecs.placeholder(np.float32, symbols)
        arrays["value_lengths"] = _blob(symbols * canonical_huffman.LENGTH_BITS)
        arrays["value_stream"] = _blob(bits)
    else:
        arrays["values"] = codecs.placeholder(np.float32, entries)
    return CodedTensor(HUFFMAN, arrays, _header(shape, survivors, entries, width, shared=shared))


def _estimate_integers(coded: CodedTensor, count: int) -> CodedTensor:
    """Return the sizes to expect of normal weights whose largest gets the largest code."""
    scales = coded.arrays["scale"].size
    most = int8.largest_code(codecs.header_int(coded.header, "bit_width", 7, 8))
    deviation = most / max(float(ndtri(1.0 - 0.5 * scales / (count + scales))), 0.5)
    bits = min(float(np.log2(deviation * np.sqrt(2 * np.pi * np.e))) + 0.05, 8.0)
    arrays = {
        "scale": codecs.placeholder(np.float32, scales),
        "value_lengths": _blob(_INTEGERS * canonical_huffman.LENGTH_BITS),
        "value_stream": _blob(count * max(bits, 1.0)),
    }
    return CodedTensor(HUFFMAN, arrays, _integer_header(coded))


def _blob(bits: float) -> np.ndarray:
    return codecs.placeholder(np.uint8, fixed_width.packed_bytes(int(np.ceil(bits)), 1))


def expected_fillers(density: float, index_width: int) -> float:
    """Return the fillers per survivor to expect where survivors are scattered at random.

    q / (1 - q) with q = (1 - density) ^ (2 ^ index_width).
    """
    beyond: float = (1.0 - density) ** (1 << index_width)
    return beyond / (1.0 - beyond)


def _expected_index(count: int, survivors: int) -> tuple[int, float, float]:
    """Return the index width, the bits of the index stream and the number of fillers."""
    density = min(max(survivors / count, 1.0 / count), 1.0 - 1e-9)
    best = (1, np.inf, 0.0)
    for width in range(1, relative_index.MAX_INDEX_WIDTH + 1):
        symbols = 1 << width
        beyond = (1.0 - density) ** symbols
        fillers = survivors * expected_fillers(density, width)
        fields = density * (1.0 - density) ** np.arange(symbols) / (1.0 - beyond) * survivors
        fields[-1] += fillers
        bits = max(_entropy(fields) + 0.05, 1.0) * (survivors + fillers)
        if bits + 32 * fillers + 5 * symbols < best[1] + 32 * best[2] + 5 * (1 << best[0]):
            best = (width, bits, fillers)
    return best


def _entropy(frequencies: np.ndarray) -> float:
    """Return the bits per symbol of a text with these frequencies."""
    shares = frequencies[frequencies > 0] / frequencies.sum()
    return float(-(shares * np.log2(shares)).sum())


@cache
def _value_entropy(symbols: int, density: float) -> float:
    """Return the bits per value code that k-means gives on the largest of normal weights."""
    ranks = (np.arange(_SAMPLE) + 0.5) / _SAMPLE
    values = ndtri(1.0 - density / 2 * ranks)
    values = np.concatenate((values, -values))
    clustering = lloyd.cluster(values, symbols)
    counts = np.bincount(lloyd.nearest(values, clustering.centroids), minlength=symbols)
    bits = canonical_huffman.coded_bits(counts, canonical_huffman.code_lengths(counts))
    return bits / values.size
