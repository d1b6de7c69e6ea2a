import zlib

import cv2
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from emostudio.core.model_info import Preprocessing
from emostudio.data.mapped_lbp import (
    NEIGHBOURS,
    code_colours,
    code_distances,
    code_places,
    lbp_codes,
    mapped_lbp,
)
from emostudio.data.transforms import to_input_pixels, transformed


def turned(code, places=1):
    return ((code << places) | (code >> (8 - places))) & 255


def naive_codes(grey):
    height, width = grey.shape
    codes = np.zeros_like(grey)
    for row in range(height):
        for column in range(width):
            code = 0
            for bit, (down, right) in enumerate(NEIGHBOURS):
                y = min(max(row + down, 0), height - 1)
                x = min(max(column + right, 0), width - 1)
                if int(grey[y, x]) >= int(grey[row, column]):
                    code |= 1 << bit
            codes[row, column] = code
    return codes


def test_codes_are_those_of_a_loop_over_pixels_and_neighbours():
    grey = np.random.default_rng(0).integers(0, 8, (13, 17)).astype(np.uint8)  # many ties
    np.testing.assert_array_equal(lbp_codes(grey), naive_codes(grey))


def test_neighbours_go_once_round_the_pixel():
    steps = np.diff(np.array([*NEIGHBOURS, NEIGHBOURS[0]]), axis=0)
    assert (np.abs(steps).sum(axis=1) == 1).all()
    assert len(set(NEIGHBOURS)) == 8


def test_turning_the_picture_turns_the_codes():
    grey = np.random.default_rng(1).integers(0, 256, (9, 9)).astype(np.uint8)
    codes = lbp_codes(np.rot90(grey, -1).copy())
    expected = np.rot90(lbp_codes(grey), -1)
    np.testing.assert_array_equal(codes, [[turned(int(c), 2) for c in row] for row in expected])


def test_codes_do_not_change_with_brightness_and_contrast():
    grey = np.random.default_rng(2).integers(0, 100, (9, 9)).astype(np.uint8)
    np.testing.assert_array_equal(lbp_codes(grey), lbp_codes(2 * grey + 30))


def test_distance_is_symmetric_zero_only_to_itself_and_the_same_for_codes_turned_together():
    distances = code_distances()
    np.testing.assert_array_equal(distances, distances.T)
    assert (np.diag(distances) == 0).all()
    assert (distances + np.eye(256) > 0).all()
    places = np.array([turned(code) for code in range(256)])
    np.testing.assert_array_equal(distances[np.ix_(places, places)], distances)


def test_distance_of_single_bits_is_how_far_they_are_apart_on_the_circle():
    distances = code_distances()
    for step in range(8):
        assert distances[1, turned(1, step)] == min(step, 8 - step)
    assert distances[0, 1] == 1


def test_without_the_circle_the_distance_is_scipy_s_earth_mover_s_distance():
    """Where no bit crosses a cut, least work is that of the one-dimensional earth mover."""
    positions = np.arange(8)
    for one, other in ((0b00011000, 0b00110000), (0b00010100, 0b00101000)):
        bits = [[(code >> bit) & 1 for bit in range(8)] for code in (one, other)]
        work = 2 * wasserstein_distance(positions, positions, *bits)
        assert code_distances()[one, other] == pytest.approx(work)


def test_scaling_preserves_distances_and_beats_the_codes_as_numbers():
    places, pairs = code_places(), np.triu_indices(256, 1)
    wanted = code_distances()[pairs]
    found = np.linalg.norm(places[pairs[0]] - places[pairs[1]], axis=1)
    as_numbers = np.abs(pairs[0] - pairs[1])
    assert np.corrcoef(wanted, found)[0, 1] > 0.8
    assert np.corrcoef(wanted, found)[0, 1] > np.corrcoef(wanted, as_numbers)[0, 1] + 0.1


def test_three_directions_are_as_good_as_three_can_be():
    """Classical scaling: the squared lengths are the three largest eigenvalues."""
    centring = np.eye(256) - 1 / 256
    inner = -0.5 * centring @ code_distances() ** 2 @ centring
    largest = np.linalg.eigvalsh(inner)[:-4:-1]
    lengths = np.sort((code_places() ** 2).sum(axis=0))[::-1]
    np.testing.assert_allclose(lengths, largest, rtol=1e-9)


def test_a_pattern_turned_by_one_place_is_closer_than_its_opposite():
    places = code_places()
    for code in (1, 3, 7, 15, 31):
        near = np.linalg.norm(places[code] - places[turned(code)])
        far = np.linalg.norm(places[code] - places[turned(code, 4)])
        assert near < far / 2


def test_the_table_is_the_same_on_every_machine():
    colours = code_colours()
    assert zlib.crc32(colours.tobytes()) == 1214040972
    assert colours[255].tolist() == [255, 128, 128]
    levels = 128 + 127 * code_places() / np.abs(code_places()).max()
    assert np.abs(np.round(levels, 6) % 1 - 0.5).min() > 1e-3  # nothing hangs on a last bit


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_becomes_three_channels_of_its_size(channels):
    picture = np.random.default_rng(3).integers(0, 256, (20, 30, channels)).astype(np.uint8)
    grey = picture[:, :, 0] if channels == 1 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(mapped_lbp(picture), code_colours()[naive_codes(grey)])


def test_input_pixels_are_resized_first_and_transformed_last():
    picture = np.random.default_rng(4).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    preprocessing = Preprocessing(height=48, width=48, transform="mapped_lbp")
    plain = to_input_pixels(picture, preprocessing.untransformed)
    found = to_input_pixels(picture, preprocessing)
    np.testing.assert_array_equal(found, mapped_lbp(plain))
    np.testing.assert_array_equal(found, transformed(plain[np.newaxis], preprocessing)[0])
