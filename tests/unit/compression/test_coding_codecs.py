import numpy as np
import pytest

from emostudio.compression.base import PRUNED, SHARED
from emostudio.compression.coding import codecs
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor


def sizes(coded):
    return {name: (array.dtype, array.shape) for name, array in coded.arrays.items()}


@pytest.mark.parametrize("density", [0.05, 0.5, 0.97])
@pytest.mark.parametrize("bit_width", [1, 5, 8])
def test_planned_codebooks_have_the_sizes_of_real_ones(density, bit_width):
    generator = np.random.default_rng(0)
    codes = generator.integers(1, 2**bit_width, 700).astype(np.uint8) if bit_width > 1 else None
    codes = np.ones(700, np.uint8) if codes is None else codes
    codes[generator.random(700) >= density] = 0
    codebook = generator.normal(size=2**bit_width).astype(np.float32)
    codebook[0] = 0.0  # stands for pruned weights
    real = codecs.encode_codebook(codebook, codes, (7, 100), pruned=True)
    planned = codecs.plan_codebook(np.count_nonzero(codes), bit_width, (7, 100), pruned=True)
    assert sizes(real) == sizes(planned)
    assert {**real.header} == {**planned.header}
    total = sum(array.nbytes for array in real.arrays.values())
    assert total == codecs.codebook_bytes(700, int(np.count_nonzero(codes)), bit_width)
    expected = codebook[codes].reshape(7, 100)
    assert np.array_equal(codecs.decode_codebook(real), expected)


def test_planned_masks_have_the_sizes_of_real_ones():
    mask = np.random.default_rng(0).random(333) < 0.2
    values = np.random.default_rng(1).normal(size=333).astype(np.float32)
    real = codecs.encode_masked(values, mask, (333,))
    planned = codecs.plan_masked(int(mask.sum()), (333,))
    assert sizes(real) == sizes(planned)
    assert real.header == planned.header
    total = sum(array.nbytes for array in real.arrays.values())
    assert total == codecs.masked_bytes(333, int(mask.sum()))
    assert np.array_equal(codecs.survivor_mask(real), mask)


def test_placeholders_take_no_memory_and_are_told_from_values():
    planned = codecs.plan_codebook(10**9, 8, (10**5, 10**5), pruned=False)
    assert planned.arrays["codes"].nbytes == 10**10
    assert not codecs.has_values(planned)
    real = codecs.encode_masked(np.ones(9, np.float32), np.ones(9, bool), (9,))
    assert codecs.has_values(real)


def test_the_sparser_layout_is_taken_only_where_it_is_smaller():
    few = codecs.plan_codebook(10, 8, (1000,), pruned=True)
    many = codecs.plan_codebook(990, 8, (1000,), pruned=True)
    assert few.header["masked"] is True
    assert many.header["masked"] is False
    assert few.header["traits"] == [PRUNED, SHARED]


def test_a_codebook_of_the_wrong_length_is_refused():
    codes = np.array([0, 1, 2, 3], np.uint8)
    good = codecs.encode_codebook(np.arange(4, dtype=np.float32), codes, (4,), pruned=False)
    arrays = {**good.arrays, "codebook": good.arrays["codebook"][:3]}
    with pytest.raises(InputError, match="codebook"):
        codecs.decode_codebook(CodedTensor(good.codec, arrays, good.header))


def test_a_missing_part_is_refused():
    good = codecs.encode_masked(np.ones(9, np.float32), np.ones(9, bool), (9,))
    arrays = {"mask": good.arrays["mask"]}
    with pytest.raises(InputError, match="values"):
        codecs.decode_masked(CodedTensor(good.codec, arrays, good.header))


@pytest.mark.parametrize("survivors", [1, 2, 8])
def test_a_plan_of_a_tiny_tensor_is_no_tensor(survivors):
    assert not codecs.has_values(codecs.plan_masked(survivors, (2, 4)))
    mask = np.arange(8) < survivors
    real = codecs.encode_masked(np.ones(8, np.float32), mask, (2, 4))
    assert codecs.has_values(real)
