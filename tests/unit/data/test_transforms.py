import cv2
import numpy as np
import pytest

from emostudio.core.model_info import Preprocessing
from emostudio.data.transforms import MAX_SIDE, fit_within, normalise, to_input_pixels


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (300, 420, 3), dtype=np.uint8)


def test_fit_within_keeps_small_pictures_as_they_are(picture):
    small = picture[:50, :50]
    assert fit_within(small) is small


def test_fit_within_keeps_the_ratio(picture):
    assert fit_within(picture).shape == (round(300 * 256 / 420), MAX_SIDE, 3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 1), (40, 30, 3), (300, 420, 3), (48, 48, 3)])
def test_input_pixels_have_the_models_geometry(shape, channels):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    pixels = to_input_pixels(image, Preprocessing(height=48, width=44, channels=channels))
    assert pixels.shape == (48, 44, channels)
    assert pixels.dtype == np.uint8


def test_a_cached_picture_gives_the_same_bits_as_the_original(picture):
    preprocessing = Preprocessing(height=48, width=48)
    cached = fit_within(picture)
    np.testing.assert_array_equal(
        to_input_pixels(cached, preprocessing), to_input_pixels(picture, preprocessing)
    )


def test_grey_weighs_red_green_and_blue_in_rgb_order():
    red = np.zeros((8, 8, 3), dtype=np.uint8)
    red[:, :, 0] = 255
    grey = to_input_pixels(red, Preprocessing(height=8, width=8, channels=1))
    assert grey[0, 0, 0] == round(0.299 * 255)


def test_shrinking_averages_areas(picture):
    square = picture[:96, :96]
    expected = cv2.resize(square, (48, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(to_input_pixels(square, Preprocessing()), expected)


def test_normalise_is_scale_offset_mean_and_std(picture):
    preprocessing = Preprocessing(
        scale=1 / 255, offset=-0.1, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)
    )
    pixels = np.stack([picture[:48, :48], picture[48:96, :48]])
    expected = pixels.astype(np.float64).transpose(0, 3, 1, 2) / 255 - 0.1
    expected = (expected - np.reshape((0.4, 0.5, 0.6), (3, 1, 1))) / np.reshape(
        (0.2, 0.3, 0.4), (3, 1, 1)
    )
    found = normalise(pixels, preprocessing)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_a_picture_alone_gets_the_same_bits_as_in_a_batch(picture):
    preprocessing = Preprocessing(mean=(0.5,), std=(0.3,))
    batch = np.stack([picture[i : i + 48, i : i + 48] for i in range(5)])
    together = normalise(batch, preprocessing)
    for index in range(5):
        np.testing.assert_array_equal(
            normalise(batch[index : index + 1], preprocessing)[0], together[index]
        )
