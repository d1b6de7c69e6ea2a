"""Compression against references written or built by others."""

import numpy as np
import pytest
import torch
from scipy import cluster as scipy_cluster

from emostudio.compression import lloyd
from emostudio.compression.coding import canonical_huffman, codecs, entropy
from emostudio.compression.methods.weight_sharing import SharedLookup
from emostudio.compression.pruning_ramp import magnitude_mask


def naive_canonical_codes(lengths):
    """Return symbol to code string, straight from the definition of canonical codes."""
    codes, code, previous = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths)):
        if length == 0:
            continue
        code <<= length - previous
        codes[symbol] = format(code, f"0{length}b")
        code, previous = code + 1, length
    return codes


def naive_huffman_decode(stream, lengths, count):
    bits = "".join(format(byte, "08b") for byte in stream)
    symbol_of = {code: symbol for symbol, code in naive_canonical_codes(lengths).items()}
    symbols, place = [], 0
    while len(symbols) < count:
        end = place + 1
        while bits[place:end] not in symbol_of:
            end += 1
        symbols.append(symbol_of[bits[place:end]])
        place = end
    return symbols


def naive_lengths(packed, symbols):
    bits = "".join(format(byte, "08b")[::-1] for byte in packed)
    return [int(bits[5 * index : 5 * index + 5][::-1], 2) for index in range(symbols)]


def naive_sparse_decode(coded):
    """Decode the sparse code entry by entry: field + 1 places on, then the value."""
    header, arrays = coded.header, coded.arrays
    index_lengths = naive_lengths(arrays["index_lengths"], 2 ** header["index_width"])
    fields = naive_huffman_decode(arrays["index_stream"], index_lengths, header["entries"])
    value_lengths = naive_lengths(arrays["value_lengths"], arrays["codebook"].size)
    codes = naive_huffman_decode(arrays["value_stream"], value_lengths, header["entries"])
    out = np.full(int(np.prod(header["shape"])), arrays["codebook"][0])
    position = -1
    for field, code in zip(fields, codes, strict=True):
        position += field + 1
        out[position] = arrays["codebook"][code]
    return out.reshape(header["shape"])


def sparse_tensor(positions, count, bit_width=5, seed=0):
    generator = np.random.default_rng(seed)
    codes = np.zeros(count, np.uint8)
    codes[positions] = generator.integers(1, 2**bit_width, len(positions))
    codebook = np.concatenate(([0.0], np.sort(generator.normal(size=2**bit_width - 1))))
    return codecs.encode_codebook(codebook.astype(np.float32), codes, (count,), pruned=True)


@pytest.mark.parametrize(
    "positions",
    [
        [],
        [0],
        [2047],
        [0, 2047],
        [0, 16, 32, 48, 64],
        [255, 256, 512],
        [4, 5, 6, 7, 1000, 1001],
        sorted(np.random.default_rng(1).choice(2048, 190, replace=False).tolist()),
    ],
)
def test_d2_a_naive_decoder_reads_the_sparse_code(positions):
    tensor = sparse_tensor(positions, 2048)
    coded = entropy.encode(tensor)
    assert np.array_equal(naive_sparse_decode(coded), codecs.decode_codebook(tensor))
    assert np.array_equal(naive_sparse_decode(coded), entropy.decode(coded))


def test_d2_huffman_lengths_are_those_of_the_textbook_algorithm():
    import heapq

    frequencies = np.random.default_rng(2).integers(1, 1000, 64)
    heap = [int(count) for count in frequencies]
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        total += merged
        heapq.heappush(heap, merged)
    lengths = canonical_huffman.code_lengths(frequencies)
    assert canonical_huffman.coded_bits(frequencies, lengths) == total


def test_d2_bits_per_weight_match_the_simulation_of_the_reference():
    # a Gaussian layer at p = .09 with 5-bit codes and linearly spaced values: 0.730 bits
    generator = np.random.default_rng(4)
    values = generator.normal(size=300_000).astype(np.float32)
    mask = np.abs(values) > np.quantile(np.abs(values), 0.91)
    centroids = np.linspace(values.min(), values.max(), 31)
    codebook = np.concatenate(([0.0], centroids)).astype(np.float32)
    codes = np.zeros(values.size, np.uint8)
    codes[mask] = lloyd.nearest(values[mask], centroids) + 1
    coded = entropy.encode(codecs.encode_codebook(codebook, codes, (500, 600), pruned=True))
    bits = 8 * sum(array.nbytes for array in coded.arrays.values()) / values.size
    assert bits == pytest.approx(0.73, abs=0.06)


def test_d1_k_means_matches_scipy_from_the_same_start():
    values = np.random.default_rng(5).normal(size=3000)
    low, high = values.min(), values.max()
    start = low + (np.arange(8) + 0.5) * (high - low) / 8
    expected, _ = scipy_cluster.vq.kmeans(values, start, thresh=1e-12)
    found = lloyd.cluster(values, 8, sweeps=500).centroids
    assert np.allclose(np.sort(expected), found, atol=1e-4)


def test_c1_the_kept_weights_are_those_of_topk():
    weight = torch.randn(20, 30, generator=torch.Generator().manual_seed(6))
    mask = magnitude_mask(weight, torch.ones_like(weight, dtype=torch.bool), 77)
    expected = torch.zeros(600, dtype=torch.bool)
    expected[torch.topk(weight.abs().reshape(-1), 77).indices] = True
    assert torch.equal(mask.reshape(-1), expected)


def test_d1_the_centroid_gradient_is_that_of_index_add():
    generator = torch.Generator().manual_seed(7)
    codes = torch.randint(0, 32, (400,), generator=generator)
    gradient = torch.randn(400, generator=generator)
    codebook = torch.randn(32, generator=generator, requires_grad=True)
    SharedLookup.apply(codebook, codes.to(torch.uint8), *[False]).backward(gradient)
    expected = torch.zeros(32).index_add(0, codes, gradient)
    assert torch.allclose(codebook.grad, expected, atol=1e-6)
