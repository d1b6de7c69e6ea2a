import numpy as np
import pytest

from emostudio.core.emotions import Emotion
from emostudio.vision.crops import MIN_SIDE, crop, true_emotions, usable_faces


def test_faces_over_the_border_are_clipped_to_the_frame():
    assert usable_faces([(-10, -20, 50, 60)], 100, 80) == ((0, 0, 40, 40),)
    assert usable_faces([(90, 70, 50, 60)], 100, 80) == ((90, 70, 10, 10),)


@pytest.mark.parametrize("box", [(10, 10, 1, 1), (200, 200, 50, 50), (5, 5, 0, 40), (0, 0, -5, 9)])
def test_faces_that_are_too_small_or_outside_are_passed_over(box):
    assert usable_faces([box], 100, 80) == ()


def test_large_faces_come_first():
    faces = usable_faces([(0, 0, 10, 10), (20, 20, 40, 40), (5, 5, 20, 20)], 100, 80)
    assert [face[2] for face in faces] == [40, 20, 10]


def test_a_crop_is_a_square_around_the_face():
    image = np.arange(100 * 120 * 3, dtype=np.int64).reshape(100, 120, 3).astype(np.uint8)
    cut = crop(image, (40, 30, 20, 30), 0.0)
    np.testing.assert_array_equal(cut, image[30:60, 35:65])


def test_a_margin_enlarges_the_square():
    assert crop(np.zeros((100, 120, 3), np.uint8), (40, 30, 20, 20), 0.5).shape == (30, 30, 3)


def test_a_square_at_the_border_is_moved_into_the_frame():
    image = np.zeros((100, 120, 3), np.uint8)
    image[:30, :30] = 9
    assert np.all(crop(image, (0, 0, 20, 20), 0.5) == 9)
    assert crop(image, (110, 90, 10, 10), 1.0).shape == (20, 20, 3)


def test_a_square_larger_than_the_frame_is_cut():
    assert crop(np.zeros((50, 120, 3), np.uint8), (10, 0, 60, 50), 0.5).shape == (50, 90, 3)


def test_no_crop_is_smaller_than_a_picture_may_be():
    assert crop(np.zeros((50, 50, 3), np.uint8), (10, 10, 1, 1), 0.0).shape[0] == MIN_SIDE


def test_a_found_face_gets_the_emotion_of_the_true_face_it_lies_on():
    truth = [((0, 0, 40, 40), Emotion.ANGER), ((60, 0, 40, 40), Emotion.HAPPINESS)]
    found = [(62, 3, 38, 38), (2, 2, 40, 40), (20, 60, 20, 20)]
    assert true_emotions(found, truth) == (Emotion.HAPPINESS, Emotion.ANGER, None)
    assert true_emotions(found, []) == (None, None, None)
