import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emostudio.compression.coding import canonical_huffman as huffman
from emostudio.core.errors import InputError


def coded(symbols, alphabet):
    lengths = huffman.code_lengths(np.bincount(symbols, minlength=alphabet))
    return lengths, huffman.encode(symbols, lengths)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 19), max_size=200))
def test_every_text_comes_back(text):
    symbols = np.array(text, np.uint8)
    lengths, stream = coded(symbols, 20)
    assert np.array_equal(huffman.decode(stream, lengths, symbols.size), symbols)
    frequencies = np.bincount(symbols, minlength=20)
    assert stream.size == -(-huffman.coded_bits(frequencies, lengths) // 8)


def test_d2_the_kraft_sum_of_a_code_is_one():
    lengths = huffman.code_lengths(np.array([1, 1, 2, 3, 5, 8, 13, 0, 400]))
    assert np.sum(2.0 ** -lengths[lengths > 0].astype(float)) == 1.0
    assert lengths[7] == 0


def test_d2_the_expected_length_is_within_one_bit_of_the_entropy():
    frequencies = np.array([900, 50, 30, 15, 4, 1])
    shares = frequencies / frequencies.sum()
    entropy = -np.sum(shares * np.log2(shares))
    lengths = huffman.code_lengths(frequencies)
    expected = huffman.coded_bits(frequencies, lengths) / frequencies.sum()
    assert entropy <= expected < entropy + 1


def test_d2_a_single_symbol_takes_one_bit_each():
    symbols = np.full(17, 3, np.uint8)
    lengths, stream = coded(symbols, 8)
    assert lengths.tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert stream.size == 3
    assert np.array_equal(huffman.decode(stream, lengths, 17), symbols)


def test_code_lengths_stay_below_32_bits_for_fibonacci_frequencies():
    frequencies = [1, 1]
    while len(frequencies) < 45:
        frequencies.append(frequencies[-1] + frequencies[-2])
    lengths = huffman.code_lengths(np.array(frequencies))
    assert lengths.max() <= huffman.MAX_LENGTH
    assert np.sum(2.0 ** -lengths.astype(float)) == 1.0


def test_a_table_that_is_no_prefix_code_is_refused():
    table = huffman.pack_lengths(np.array([1, 1, 2], np.uint8))
    with pytest.raises(InputError, match="Kraft"):
        huffman.unpack_lengths(table, 3)


@pytest.mark.parametrize(
    "damage", [lambda stream: stream[:-1], lambda stream: np.append(stream, 0)]
)
def test_d2_a_stream_of_the_wrong_length_is_refused(damage):
    symbols = np.random.default_rng(0).integers(0, 9, 300).astype(np.uint8)
    lengths, stream = coded(symbols, 9)
    with pytest.raises(InputError, match="damaged"):
        huffman.decode(damage(stream).astype(np.uint8), lengths, symbols.size)


def test_more_symbols_than_the_stream_has_bits_are_refused_before_memory_is_taken():
    with pytest.raises(InputError, match="too short"):
        huffman.decode(np.zeros(4, np.uint8), np.array([1, 1], np.uint8), 2**60)


def test_symbols_of_an_empty_table_cannot_be_read():
    with pytest.raises(InputError, match="empty"):
        huffman.decode(np.zeros(1, np.uint8), np.zeros(4, np.uint8), 3)
