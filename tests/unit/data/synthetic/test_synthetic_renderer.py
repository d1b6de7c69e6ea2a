"""The drawn faces: same seed, same bytes; every emotion shows; detectors see faces."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.data.synthetic.complexion import complexion
from emostudio.data.synthetic.expressions import UNITS, draw_expression
from emostudio.data.synthetic.identity import draw_identity
from emostudio.data.synthetic.projection import make_rotation
from emostudio.data.synthetic.renderer import (
    CAMERAS,
    GAZES,
    FaceRequest,
    render_cameras,
    render_face,
)

CASCADE = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"


def digest(images):
    return hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()


def test_same_seed_gives_same_bytes_also_with_cold_caches():
    def draw():
        return [render_face(n, e, size=48) for n in (1, 2) for e in EMOTIONS]

    first = digest(draw())
    draw_identity.cache_clear()
    complexion.cache_clear()
    assert digest(draw()) == first


def test_another_seed_identity_take_or_gaze_gives_another_face():
    base = FaceRequest(3, Emotion.NEUTRAL, size=48)
    others = [
        FaceRequest(4, Emotion.NEUTRAL, size=48),
        FaceRequest(3, Emotion.NEUTRAL, size=48, seed=1),
        FaceRequest(3, Emotion.NEUTRAL, size=48, take=1),
        FaceRequest(3, Emotion.NEUTRAL, size=48, gaze="left"),
    ]
    pictures = [render_cameras(request, ("090",))[0].tobytes() for request in (base, *others)]
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize("size", [24, 65, 200])
def test_pictures_are_square_rgb_bytes_of_the_asked_size(size):
    image = render_face(5, Emotion.FEAR, size=size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8


def test_a_single_view_is_the_same_picture_as_in_the_five_camera_set():
    request = FaceRequest(7, Emotion.ANGER, size=48)
    together = render_cameras(request)
    assert len(together) == len(CAMERAS)
    for camera, image in zip(CAMERAS, together, strict=True):
        np.testing.assert_array_equal(render_cameras(request, (camera,))[0], image)


def test_render_face_draws_what_a_request_for_the_same_face_draws():
    request = FaceRequest(7, Emotion.ANGER, gaze="right", size=48, seed=5)
    image = render_face(7, Emotion.ANGER, "045", "right", size=48, seed=5)
    np.testing.assert_array_equal(image, render_cameras(request, ("045",))[0])


def test_every_picture_has_content_on_all_cameras_and_gazes():
    for gaze in GAZES:
        for image in render_cameras(FaceRequest(2, Emotion.HAPPINESS, gaze=gaze, size=48)):
            assert image.std() > 15


def test_a_head_turned_left_points_its_nose_left_and_shows_its_right_ear():
    turned = make_rotation(np.radians(-90), 0, 0)
    nose, right_ear = turned @ np.array((0, 0, 1.0)), turned @ np.array((1.0, 0, 0))
    np.testing.assert_allclose(nose, (-1, 0, 0), atol=1e-6)
    assert right_ear[2] == pytest.approx(1)


@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e is not Emotion.NEUTRAL])
def test_every_emotion_moves_units_far_more_than_a_neutral_face(emotion):
    def strength(shown):
        random = np.random.default_rng(4)
        faces = [draw_expression(shown, random, (0.75, 1.0)) for _ in range(20)]
        return np.mean([np.abs(face).sum() for face in faces])

    assert draw_expression(emotion, np.random.default_rng(0), (1, 1)).shape == (2, len(UNITS))
    assert strength(emotion) > 1.8 * strength(Emotion.NEUTRAL)


@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e is not Emotion.NEUTRAL])
def test_every_emotion_differs_from_neutral_more_than_two_neutral_takes_differ(emotion):
    def average(shown, takes):
        grey = [
            cv2.cvtColor(
                render_cameras(
                    FaceRequest(n, shown, take=take, size=48, intensity=(0.9, 1.0)), ("090",)
                )[0],
                cv2.COLOR_RGB2GRAY,
            ).astype(float)
            for n in range(1, 7)
            for take in takes
        ]
        centred = [(g - g.mean()) / g.std() for g in grey]
        return np.mean(centred, axis=0)

    neutral = average(Emotion.NEUTRAL, range(3))
    again = average(Emotion.NEUTRAL, range(3, 6))
    shown = average(emotion, range(3))
    assert np.abs(shown - neutral).mean() > 1.25 * np.abs(again - neutral).mean()


def test_contempt_is_one_sided():
    face = draw_expression(Emotion.CONTEMPT, np.random.default_rng(3), (1.0, 1.0))
    strengths = sorted(face.sum(axis=1).tolist())
    assert strengths[0] < 0.3 * strengths[1]


def test_haar_finds_frontal_faces():
    cascade = cv2.CascadeClassifier(CASCADE)
    found = 0
    for person in range(24):
        request = FaceRequest(
            person, EMOTIONS[person % 8], size=240, field_of_view=6.0, intensity=(0.75, 1.0), seed=9
        )
        grey = cv2.cvtColor(render_cameras(request, ("090",))[0], cv2.COLOR_RGB2GRAY)
        boxes = cascade.detectMultiScale(grey, 1.1, 3, minSize=(50, 50))
        found += any(
            abs(x + w / 2 - 120) < 40 and abs(y + h / 2 - 120) < 40 for x, y, w, h in boxes
        )
    assert found >= 23


def test_glasses_are_worn_by_about_the_asked_share_and_by_nobody_without():
    wearing = [draw_identity(n, 0, 0.1).glasses for n in range(400)]
    assert 0.05 < np.mean(wearing) < 0.16
    assert not any(draw_identity(n, 0, 0.0).glasses for n in range(100))


def test_glasses_change_the_picture_of_the_person_who_wears_them():
    wearer = next(n for n in range(200) if draw_identity(n, 0, 0.1).glasses)
    with_glasses = FaceRequest(wearer, Emotion.NEUTRAL, size=96, glasses_share=0.1)
    without = FaceRequest(wearer, Emotion.NEUTRAL, size=96)
    first, second = (render_cameras(request, ("090",))[0] for request in (with_glasses, without))
    assert np.abs(first.astype(int) - second).max() > 20
