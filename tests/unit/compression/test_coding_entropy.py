import numpy as np
import pytest

from emostudio.compression import lloyd
from emostudio.compression.coding import codecs, entropy, int8, relative_index
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor


def shared(density, bit_width=4, count=4000, seed=0):
    """Return a pruned tensor with shared values, as weight sharing leaves it."""
    generator = np.random.default_rng(seed)
    codebook = np.zeros(2**bit_width, np.float32)
    codebook[1:] = np.sort(generator.normal(size=2**bit_width - 1))
    spread = generator.normal(2 ** (bit_width - 1), 2, count).clip(1, 2**bit_width - 1)
    codes = np.where(generator.random(count) < density, spread, 0).astype(np.uint8)
    return codecs.encode_codebook(codebook, codes, (count // 40, 40), pruned=density < 1)


@pytest.mark.parametrize("density", [0.0, 0.001, 0.05, 0.3, 0.9, 1.0])
def test_d2_coding_is_lossless_at_every_density(density):
    before = shared(density)
    after = entropy.encode(before)
    assert np.array_equal(entropy.decode(after), codecs.decode_codebook(before))


def test_pruned_values_without_codebook_are_coded_losslessly():
    generator = np.random.default_rng(1)
    values = generator.normal(size=600).astype(np.float32)
    mask = generator.random(600) < 0.1
    before = codecs.encode_masked(np.where(mask, values, 0), mask, (20, 30))
    after = entropy.encode(before)
    assert np.array_equal(entropy.decode(after), codecs.decode_masked(before))
    assert np.array_equal(codecs.decode_masked(before).reshape(-1)[mask], values[mask])


@pytest.mark.parametrize(
    "positions",
    [[], [0], [999], [0, 999], [15], [16], [31, 47], [0, 16, 32, 33], [5, 22, 39, 999]],
)
def test_d2_distances_around_the_width_of_an_index_come_back(positions):
    survivors = np.array(positions, np.int64)
    codes = np.arange(1, survivors.size + 1, dtype=np.uint8)
    fields, values = relative_index.encode(survivors, codes, 4)
    places = relative_index.positions(fields, 1000)
    full = np.zeros(1000, np.uint8)
    full[places] = values
    expected = np.zeros(1000, np.uint8)
    expected[survivors] = codes
    assert np.array_equal(full, expected)
    fillers = values == 0
    assert np.all(fields[fillers] == 15)


def test_d2_a_distance_of_exactly_the_width_needs_no_filler():
    fields, values = relative_index.encode(np.array([15, 31]), np.array([1, 2], np.uint8), 4)
    assert fields.tolist() == [15, 15]
    assert values.tolist() == [1, 2]


def test_d2_one_more_than_the_width_needs_a_filler():
    fields, values = relative_index.encode(np.array([16]), np.array([7], np.uint8), 4)
    assert fields.tolist() == [15, 0]
    assert values.tolist() == [0, 7]


def test_d2_the_chosen_index_width_is_the_cheapest():
    before = shared(0.05, count=20_000)
    mask = codecs.survivor_mask(before)
    codes = codecs.codebook_codes(before)[mask]
    survivors = np.flatnonzero(mask)
    best = relative_index.best_index_width(survivors, np.bincount(codes, minlength=16))
    sizes = {}
    for width in range(1, relative_index.MAX_INDEX_WIDTH + 1):
        fields, values = relative_index.encode(survivors, codes, width)
        bits = 5 * 2**width
        for symbols, alphabet in ((fields, 2**width), (values, 16)):
            counts = np.bincount(symbols, minlength=alphabet)
            lengths = entropy.canonical_huffman.code_lengths(counts)
            bits += entropy.canonical_huffman.coded_bits(counts, lengths)
        sizes[width] = bits
    assert sizes[best] == min(sizes.values())


def test_an_unpruned_tensor_stores_no_index():
    after = entropy.encode(shared(1.0))
    assert set(after.arrays) == {"codebook", "value_lengths", "value_stream"}


def test_the_estimate_is_near_for_gaussian_weights():
    generator = np.random.default_rng(3)
    values = generator.normal(size=60_000).astype(np.float32)
    mask = np.abs(values) > np.quantile(np.abs(values), 0.91)
    centroids = lloyd.cluster(values[mask], 31).centroids
    codes = np.zeros(values.size, np.uint8)
    codes[mask] = 1 + lloyd.nearest(values[mask], centroids)
    codebook = np.concatenate(([0.0], centroids)).astype(np.float32)
    before = codecs.encode_codebook(codebook, codes, (200, 300), pruned=True)
    planned = codecs.plan_codebook(int(mask.sum()), 5, (200, 300), pruned=True)
    sizes = [
        sum(array.nbytes for array in coded.arrays.values())
        for coded in (entropy.encode(before), entropy.estimate(planned))
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)


@pytest.mark.parametrize("part", ["value_stream", "index_stream", "value_lengths", "index_lengths"])
def test_d2_a_truncated_part_is_refused(part):
    good = entropy.encode(shared(0.1))
    arrays = {**good.arrays, part: good.arrays[part][:-1]}
    with pytest.raises(InputError, match="damaged"):
        entropy.decode(CodedTensor(good.codec, arrays, good.header))


@pytest.mark.parametrize(
    ("key", "value"),
    [("entries", -1), ("entries", 10**9), ("index_width", 40), ("shape", "x"), ("shape", [0, 3])],
)
def test_a_forged_header_is_refused(key, value):
    good = entropy.encode(shared(0.1))
    header = {**good.header, key: value}
    with pytest.raises(InputError, match="damaged"):
        entropy.decode(CodedTensor(good.codec, good.arrays, header))


def test_an_index_beyond_the_tensor_is_refused():
    with pytest.raises(InputError, match="damaged"):
        relative_index.positions(np.array([5, 5], np.uint16), 11)


def test_d2_coding_again_what_was_decoded_gives_the_same_bytes():
    before = shared(0.1)
    first = entropy.encode(before)
    values = entropy.decode(first).reshape(-1)
    codebook = before.arrays["codebook"]
    order = np.argsort(codebook, kind="stable")
    codes = order[np.searchsorted(codebook[order], values)].astype(np.uint8)
    again = codecs.encode_codebook(codebook, codes, (100, 40), pruned=True)
    second = entropy.encode(again)
    assert first.header == second.header
    assert all(np.array_equal(first.arrays[part], second.arrays[part]) for part in first.arrays)


@pytest.mark.parametrize("positions", [[], [0], [999], [417]])
def test_d2_a_layer_of_no_or_one_survivor_comes_back(positions):
    codes = np.zeros(1000, np.uint8)
    codes[positions] = 3
    codebook = np.array([0.0, -1.5, 0.25, 2.0], np.float32)
    before = codecs.encode_codebook(codebook, codes, (10, 100), pruned=True)
    after = entropy.encode(before)
    assert np.array_equal(entropy.decode(after).reshape(-1), codebook[codes])


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_d2_gaps_of_multiples_of_the_width_come_back(steps):
    survivors = np.arange(0, 1600, 16 * steps)
    fields, _ = relative_index.encode(survivors, np.ones(survivors.size, np.uint8), 4)
    assert fields.size == 1 + (survivors.size - 1) * steps
    assert np.isin(survivors, relative_index.positions(fields, 1600)).all()


@pytest.mark.parametrize("make", [lambda coded: coded, entropy.encode])
def test_d2_a_codebook_whose_reserved_value_is_not_zero_is_refused(make):
    good = make(shared(0.1))
    codebook = good.arrays["codebook"].copy()
    codebook[0] = 0.5
    forged = CodedTensor(good.codec, {**good.arrays, "codebook": codebook}, good.header)
    decode = codecs.decode_codebook if good.codec == codecs.CODEBOOK else entropy.decode
    with pytest.raises(InputError, match="not zero"):
        decode(forged)


def integers(seed=0, shape=(30, 7, 5)):
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return int8.encode_int8(*int8.quantise(values))


def test_d2_integers_are_coded_without_loss_and_smaller():
    before = integers(shape=(20, 400))
    after = entropy.encode(before)
    assert np.array_equal(entropy.decode(after), int8.decode_int8(before))
    sizes = [sum(array.nbytes for array in coded.arrays.values()) for coded in (before, after)]
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("shape", [(8, 2000), (64, 300), (1, 20_000)])
def test_the_estimate_is_near_for_integers(shape):
    before = integers(shape=shape)
    planned = int8.plan_int8(shape)
    sizes = [
        sum(array.nbytes for array in coded.arrays.values())
        for coded in (entropy.encode(before), entropy.estimate(planned))
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)


@pytest.mark.parametrize("part", ["value_stream", "value_lengths", "scale"])
def test_damaged_coded_integers_are_refused(part):
    good = entropy.encode(integers())
    arrays = {**good.arrays, part: good.arrays[part][:-1]}
    with pytest.raises(InputError, match="damaged"):
        entropy.decode(CodedTensor(good.codec, arrays, good.header))
