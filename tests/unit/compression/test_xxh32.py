import numpy as np
import pytest

from emostudio.compression.xxh32 import SIGN_SEED, virtual_entries

M = 0xFFFFFFFF
P1, P2, P3, P4, P5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393


def rotated(value, bits):
    return ((value << bits) | (value >> (32 - bits))) & M


def xxh32(data, seed):
    """Return the xxHash32 of some bytes, straight from the specification."""
    place = 0
    if len(data) >= 16:
        lanes = [(seed + P1 + P2) & M, (seed + P2) & M, seed & M, (seed - P1) & M]
        while place <= len(data) - 16:
            for number in range(4):
                lane = int.from_bytes(data[place : place + 4], "little")
                lanes[number] = rotated((lanes[number] + lane * P2) & M, 13) * P1 & M
                place += 4
        value = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True))
    else:
        value = seed + P5
    value = (value + len(data)) & M
    while place <= len(data) - 4:
        lane = int.from_bytes(data[place : place + 4], "little")
        value = rotated((value + lane * P3) & M, 17) * P4 & M
        place += 4
    for byte in data[place:]:
        value = rotated((value + byte * P5) & M, 11) * P1 & M
    value = (value ^ value >> 15) * P2 & M
    value = (value ^ value >> 13) * P3 & M
    return value ^ value >> 16


def entry(row, column, count, seed):
    data = row.to_bytes(4, "little") + column.to_bytes(4, "little")
    sign = -1 if xxh32(data, seed ^ SIGN_SEED) & 1 else 1
    return sign * (xxh32(data, seed) % count + 1)


@pytest.mark.parametrize(
    ("text", "expected"), [(b"", 0x02CC5D05), (b"a", 0x550D7456), (b"abc", 0x32D153FF)]
)
def test_e1_the_reference_gives_the_published_vectors(text, expected):
    assert xxh32(text, 0) == expected


def test_e1_the_key_of_the_released_code_falls_into_its_bucket():
    assert xxh32(b"123_123idxW", 1691) % 9_326_592 + 1 == 7_161_765


@pytest.mark.parametrize(("count", "seed"), [(7, 0), (1000, 1691), (2**31 - 2, 2**32 - 1)])
def test_e1_every_position_is_hashed_as_the_reference_does(count, seed):
    found = virtual_entries((13, 11), count, seed).reshape(13, 11)
    expected = [[entry(row, column, count, seed) for column in range(11)] for row in range(13)]
    assert found.tolist() == expected


def test_rows_can_be_hashed_apart():
    whole = virtual_entries((40, 9), 50, 3).reshape(40, 9)
    part = virtual_entries((5, 9), 50, 3, first_row=30).reshape(5, 9)
    assert np.array_equal(part, whole[30:35])


def test_e1_buckets_fill_like_raindrops_and_signs_are_balanced():
    entries = virtual_entries((800, 1000), 100_000, 5)
    members = np.bincount(np.abs(entries) - 1, minlength=100_000)
    assert members.mean() == 8
    assert members.var() == pytest.approx(8, rel=0.03)
    assert (members == 0).mean() == pytest.approx(np.exp(-8), abs=3 * np.sqrt(np.exp(-8) / 1e5))
    share = (entries < 0).mean()
    assert abs(share - 0.5) < 3 * 0.5 / np.sqrt(entries.size)


def test_e1_another_seed_is_another_hash():
    first, second = (virtual_entries((50, 50), 300, seed) for seed in (1, 2))
    assert (first == second).mean() < 0.02


def test_a_cancel_reaches_the_loop():
    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        virtual_entries((4, 4), 5, 1, report=stop)
