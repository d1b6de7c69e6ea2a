"""The synthetic camera: frames with the truth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.data.synthetic.animation import AnimatedScene


def test_frames_have_the_asked_size_and_the_same_time_gives_the_same_frame():
    first, truth = AnimatedScene(320, 240, 3).frame(1.7)
    again, same_truth = AnimatedScene(320, 240, 3).frame(1.7)
    assert first.shape == (240, 320, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert truth == same_truth


@pytest.mark.parametrize(("width", "height"), [(320, 240), (200, 320), (97, 101)])
def test_boxes_lie_inside_the_frame(width, height):
    for seed in range(4):
        scene = AnimatedScene(width, height, seed)
        for step in range(6):
            _, truth = scene.frame(step * 1.9)
            assert 1 <= len(truth) <= 2
            for (x, y, w, h), emotion in truth:
                assert w > 0
                assert h > 0
                assert 0 <= x <= width - w
                assert 0 <= y <= height - h
                assert emotion in EMOTIONS


def test_all_emotions_are_played_within_half_a_minute():
    scene = AnimatedScene(96, 96, 1)
    played = {truth[0][1] for truth in (scene.frame(step * 1.5)[1] for step in range(20))}
    assert played == set(EMOTIONS)


def test_only_the_chosen_emotions_are_played():
    scene = AnimatedScene(96, 96, 1, (Emotion.FEAR, Emotion.NEUTRAL))
    assert {scene.frame(step * 1.5)[1][0][1] for step in range(8)} == {
        Emotion.FEAR,
        Emotion.NEUTRAL,
    }


def test_neighbouring_frames_change_little_and_distant_ones_more():
    scene = AnimatedScene(320, 240, 2)
    now, soon, late = (scene.frame(t)[0].astype(int) for t in (2.0, 2.04, 5.0))
    assert np.abs(soon - now).mean() < 0.5 * np.abs(late - now).mean()


def test_there_are_scenes_with_one_and_with_two_people():
    assert {len(AnimatedScene(320, 240, seed).frame(0)[1]) for seed in range(10)} == {1, 2}


def test_haar_finds_the_people_where_the_truth_says():
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    hits = total = 0
    for seed in range(4):
        scene = AnimatedScene(480, 360, seed)
        for t in (0.5, 4.0, 9.3):
            frame, truth = scene.frame(t)
            grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
            found = cascade.detectMultiScale(grey, 1.1, 3, minSize=(60, 60))
            for (x, y, w, h), _ in truth:
                total += 1
                hits += any(
                    x < fx + fw / 2 < x + w and y < fy + fh / 2 < y + h for fx, fy, fw, fh in found
                )
    assert hits >= 0.9 * total
