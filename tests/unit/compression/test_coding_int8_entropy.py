"""Huffman codes of 8-bit integers: as small as their entropy, lossless, and checked when read."""

import numpy as np
import pytest
from compression_fakes import toy_model

from emostudio.compression.base import ENTROPY_CODED, QUANTISED
from emostudio.compression.catalogue import METHODS, unpack
from emostudio.compression.coding import entropy, int8
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor

SHAPE = (64, 32, 3, 3)


def gaussian(bit_width=8, *, per_channel=True):
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    codes, scales = int8.quantise(values, bit_width, per_channel=per_channel)
    return int8.encode_int8(codes, scales, bit_width)


def nbytes(coded):
    return sum(array.nbytes for array in coded.arrays.values())


@pytest.mark.parametrize("bit_width", [7, 8])
@pytest.mark.parametrize("per_channel", [True, False])
def test_a_gaussian_layer_comes_back_and_shrinks_to_its_entropy(bit_width, per_channel):
    before = gaussian(bit_width, per_channel=per_channel)
    after = entropy.encode(before)
    assert np.array_equal(entropy.decode(after), int8.decode_int8(before))
    assert set(after.header["traits"]) == {ENTROPY_CODED, QUANTISED}
    assert np.array_equal(after.arrays["scale"], before.arrays["scale"])
    _, counts = np.unique(before.arrays["codes"], return_counts=True)
    shares = counts / counts.sum()
    bits = -(shares * np.log2(shares)).sum() * counts.sum()
    stream = after.arrays["value_stream"].nbytes * 8
    assert bits <= stream <= bits * 1.01
    assert nbytes(after) < nbytes(before)


def test_the_estimate_is_near_for_gaussian_weights():
    planned = entropy.estimate(int8.plan_int8(SHAPE))
    assert nbytes(planned) == pytest.approx(nbytes(entropy.encode(gaussian())), rel=0.05)


@pytest.mark.parametrize("part", ["value_stream", "value_lengths", "scale"])
@pytest.mark.parametrize("change", [lambda a: a[:-1], lambda a: np.append(a, a[-1:])])
def test_a_part_of_the_wrong_length_is_refused(part, change):
    good = entropy.encode(gaussian())
    arrays = {**good.arrays, part: change(good.arrays[part])}
    with pytest.raises(InputError, match="damaged"):
        entropy.decode(CodedTensor(good.codec, arrays, good.header))


def test_another_table_of_code_lengths_is_refused():
    good = entropy.encode(gaussian())
    table = good.arrays["value_lengths"].copy()
    table[:8] = 0xFF
    arrays = {**good.arrays, "value_lengths": table}
    with pytest.raises(InputError, match="damaged"):
        entropy.decode(CodedTensor(good.codec, arrays, good.header))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(value):
    for good in (gaussian(), entropy.encode(gaussian())):
        scale = good.arrays["scale"].copy()
        scale[3] = value
        with pytest.raises(InputError, match="damaged"):
            unpack(CodedTensor(good.codec, {**good.arrays, "scale": scale}, good.header))


@pytest.mark.parametrize(
    ("key", "value"),
    [("bit_width", 7), ("bit_width", 99), ("bit_width", None), ("shape", [64, 32]), ("shape", "x")],
)
def test_a_forged_header_is_refused(key, value):
    good = entropy.encode(gaussian())
    with pytest.raises(InputError, match="damaged"):
        entropy.decode(CodedTensor(good.codec, good.arrays, {**good.header, key: value}))


def test_planned_integers_are_estimated_and_layers_too_small_would_grow():
    model, int8_ptq, huffman = toy_model(), METHODS.get("int8_ptq"), METHODS.get("huffman")
    before = int8_ptq.plan(model, int8_ptq.settings_type())
    planned = huffman.plan(before.model, huffman.settings_type())
    assert planned.layers == before.layers
    assert not planned.exact
    codes, scales = int8.quantise(np.arange(-4, 4, dtype=np.float32).reshape(1, 8))
    tiny = int8.encode_int8(codes, scales)
    assert nbytes(entropy.encode(tiny)) > nbytes(tiny)
    assert np.array_equal(unpack(entropy.encode(tiny)), unpack(tiny))
