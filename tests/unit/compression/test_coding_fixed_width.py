import numpy as np
import pytest

from emostudio.compression.coding import fixed_width
from emostudio.core.errors import InputError


@pytest.mark.parametrize("bit_width", range(1, 17))
def test_integers_of_every_width_come_back(bit_width):
    generator = np.random.default_rng(bit_width)
    values = generator.integers(0, 1 << bit_width, 203).astype(np.uint16)
    packed = fixed_width.pack(values, bit_width)
    assert packed.size == fixed_width.packed_bytes(203, bit_width) == -(-203 * bit_width // 8)
    assert np.array_equal(fixed_width.unpack(packed, bit_width, 203), values)


def test_two_items_of_four_bits_share_a_byte_low_nibble_first():
    packed = fixed_width.pack(np.array([0x3, 0xA], np.uint8), 4)
    assert packed.tolist() == [0xA3]


def test_packing_nothing_takes_no_bytes():
    packed = fixed_width.pack(np.empty(0, np.uint8), 5)
    assert packed.size == 0
    assert fixed_width.unpack(packed, 5, 0).size == 0


def test_a_truncated_array_is_refused():
    packed = fixed_width.pack(np.arange(16, dtype=np.uint8), 5)
    with pytest.raises(InputError, match="damaged"):
        fixed_width.unpack(packed[:-1], 5, 16)


def test_a_mask_comes_back_and_its_ones_are_counted():
    mask = np.random.default_rng(0).random(61) < 0.3
    packed = fixed_width.pack_mask(mask)
    assert packed.size == 8
    assert np.array_equal(fixed_width.unpack_mask(packed, 61, int(mask.sum())), mask)
    with pytest.raises(InputError, match="ones instead of"):
        fixed_width.unpack_mask(packed, 61, int(mask.sum()) + 1)
