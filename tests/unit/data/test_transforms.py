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


def test_the_middle_is_cut_out_of_a_larger_square(picture):
    square = picture[:256, :256]
    found = to_input_pixels(square, Preprocessing(height=224, width=224, resize=256))
    np.testing.assert_array_equal(found, square[16:240, 16:240])


def test_channels_come_in_the_order_of_the_model(picture):
    rgb = Preprocessing(height=48, width=48)
    bgr = rgb.model_copy(update={"channel_order": "bgr"})
    np.testing.assert_array_equal(
        to_input_pixels(picture, bgr), to_input_pixels(picture, rgb)[:, :, ::-1]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 1, "transform": "mapped_lbp"},
        {"channels": 1, "channel_order": "bgr"},
        {"channel_order": "bgr", "transform": "mapped_lbp"},
        {"resize": 40},
    ],
)
def test_preprocessing_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match=r"channels|rgb|resize"):
        Preprocessing.model_validate(wrong)


def test_every_kind_of_input_pixels_has_a_key_of_its_own():
    kinds = (
        {},
        {"height": 64},
        {"resize": 64},
        {"channel_order": "bgr"},
        {"transform": "mapped_lbp"},
        {"resize": 64, "channel_order": "bgr"},
    )
    keys = [Preprocessing.model_validate(kind).pixel_key for kind in kinds]
    assert len(set(keys)) == len(kinds)
    assert keys[0] == "48x48x3"  # files of earlier versions stay of use
    assert Preprocessing(scale=1.0).pixel_key == keys[0]


def test_descriptions_of_earlier_versions_mean_what_they_meant():
    old = {"height": 48, "width": 48, "channels": 3, "scale": 1.0, "mean": [0.5], "std": [0.25]}
    found = Preprocessing.model_validate(old)
    assert (found.channel_order, found.resize, found.transform) == ("rgb", 0, "none")
