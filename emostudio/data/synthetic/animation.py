"""The synthetic camera: drawn people whose faces change, with the truth known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.data.synthetic.expressions import draw_expression
from emostudio.data.synthetic.head import Head, paint_head
from emostudio.data.synthetic.identity import Identity, draw_identity
from emostudio.data.synthetic.photograph import compose, draw_background
from emostudio.data.synthetic.projection import View, make_rotation
from emostudio.data.synthetic.shading import Light, draw_light

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
Box = tuple[int, int, int, int]

_SCENE_STREAM, _MOMENT_STREAM = 0x5C, 0x30
_FACE_SHARE = 0.32
_FACE_WIDTH, _FACE_TOP, _FACE_BOTTOM = 2.34, -0.95, 1.85
_HOLD_S, _CHANGE_S = 2.4, 0.6
_PATCH_WIDTH = 5.2
"""Inter-ocular distances that a person covers."""


@dataclass(frozen=True)
class _Actor:
    identity: Identity
    light: Light
    scale: float
    place: tuple[float, float]
    sway: tuple[float, float, float, float]
    order: tuple[Emotion, ...]
    seed: int


class AnimatedScene:
    """One or two people before a wall; the same seed and time give the same frame.

    Parameters
    ----------
    width, height
        Size of the frames in pixels, at least 96.
    seed
        Who plays, when, and in front of what.
    emotions
        The emotions that are played, in random order, over and over.
    """

    def __init__(
        self, width: int, height: int, seed: int, emotions: tuple[Emotion, ...] = EMOTIONS
    ) -> None:
        self.width, self.height = width, height
        random = np.random.default_rng([_SCENE_STREAM, seed])
        self._background = draw_background(random, width, height)
        count = 2 if width >= 1.25 * height and random.random() < 0.6 else 1
        self._actors = [self._cast(random, index, count, seed, emotions) for index in range(count)]

    def _cast(
        self,
        random: np.random.Generator,
        index: int,
        count: int,
        seed: int,
        emotions: tuple[Emotion, ...],
    ) -> _Actor:
        face_height = self.height * _FACE_SHARE * (1.12 if count == 1 else 1.0)
        scale = face_height * random.uniform(0.97, 1.06) / 2.34
        place_x = self.width * (index + 0.5) / count + self.width * random.uniform(-0.02, 0.02)
        order = tuple(emotions[place] for place in random.permutation(len(emotions)))
        phase, pace, lean, offset = random.uniform((0, 0.5, 0.5, 0), (6.28, 0.9, 1.0, 3.0)).tolist()
        number = int(random.integers(1, 2**20))
        return _Actor(
            identity=draw_identity(number, seed, 0.0),
            light=draw_light(random),
            scale=float(scale),
            place=(float(place_x), self.height * float(random.uniform(0.44, 0.5))),
            sway=(phase, pace, lean, offset),
            order=order,
            seed=int(random.integers(2**31)),
        )

    def frame(self, t_seconds: float) -> tuple[ByteArray, list[tuple[Box, Emotion]]]:
        """Draw one frame.

        Parameters
        ----------
        t_seconds
            Time since the start of the scene, any value from 0.

        Returns
        -------
        Frame uint8 (height, width, 3) RGB, and for each face its box (x, y, width, height) in
        pixels, inside the frame, with the emotion that is being played.
        """
        image = self._background.copy()
        truth = [self._play(actor, max(0.0, t_seconds), image) for actor in self._actors]
        return image, truth

    def _play(self, actor: _Actor, t_seconds: float, image: ByteArray) -> tuple[Box, Emotion]:
        phase, pace, lean, offset = actor.sway
        expression, emotion = _moment(actor, t_seconds + offset)
        gaze = 0.5 * np.sin(0.37 * t_seconds + phase)
        head = paint_head(
            actor.identity, expression, float(gaze) if abs(gaze) > 0.3 else 0.0,
            round(actor.scale), actor.light,
        )  # fmt: skip
        turn = t_seconds * pace
        yaw = np.radians(9 * lean * np.sin(turn + phase))
        pitch = np.radians(3 * np.sin(0.7 * turn + 2 * phase))
        roll = np.radians(4 * lean * np.sin(0.5 * turn + 3 * phase))
        rotation = make_rotation(float(yaw), float(pitch) + head.layout.bow, float(roll))
        x = actor.place[0] + 0.25 * actor.scale * np.sin(0.6 * turn + phase)
        y = actor.place[1] + 0.12 * actor.scale * np.sin(0.8 * turn)
        centre = np.array((x, y)) - rotation[:2] @ np.array((0.0, 0.42, 0.55)) * actor.scale
        view = View(
            rotation, actor.scale, (float(centre[0]), float(centre[1])), self.width, self.height,
            -float(yaw),
        )  # fmt: skip
        _draw_person(head, view, image)
        return self._box(view), emotion

    def _box(self, view: View) -> Box:
        middle = view.project(np.array((0.0, (_FACE_TOP + _FACE_BOTTOM) / 2, 0.9), np.float32))
        side = view.scale * _FACE_WIDTH
        tall = view.scale * (_FACE_BOTTOM - _FACE_TOP)
        left = int(np.clip(round(float(middle[0]) - side / 2), 0, self.width - 2))
        top = int(np.clip(round(float(middle[1]) - tall / 2), 0, self.height - 2))
        right = int(np.clip(round(float(middle[0]) + side / 2), left + 1, self.width))
        bottom = int(np.clip(round(float(middle[1]) + tall / 2), top + 1, self.height))
        return (left, top, right - left, bottom - top)


def _expression(actor: _Actor, place: int) -> tuple[FloatArray, Emotion]:
    emotion = actor.order[place % len(actor.order)]
    random = np.random.default_rng([_MOMENT_STREAM, actor.seed, place])
    return draw_expression(emotion, random, (0.75, 1.0)), emotion


def _moment(actor: _Actor, t_seconds: float) -> tuple[FloatArray, Emotion]:
    """Return action units at a time, and the emotion the face is nearer to."""
    place = int(t_seconds // (_HOLD_S + _CHANGE_S))
    within = t_seconds - place * (_HOLD_S + _CHANGE_S)
    current, emotion = _expression(actor, place)
    if within <= _HOLD_S:
        return current, emotion
    share = (within - _HOLD_S) / _CHANGE_S
    share = share * share * (3 - 2 * share)
    following, next_emotion = _expression(actor, place + 1)
    mixed = current + (following - current) * np.float32(share)
    return mixed, emotion if share < 0.5 else next_emotion


def _draw_person(head: Head, view: View, image: ByteArray) -> None:
    """Compose a person into the part of the frame around the head only."""
    height, width = image.shape[:2]
    wide = round(_PATCH_WIDTH * view.scale)
    left = int(np.clip(round(view.centre[0] - wide / 2), 0, width - 2)) // 2 * 2
    top = int(np.clip(round(view.centre[1] - 2.1 * view.scale), 0, height - 2)) // 2 * 2
    right = min(width, left + wide // 2 * 2)
    bottom = height
    right -= (right - left) % 2
    bottom -= (bottom - top) % 2
    local = View(
        view.rotation, view.scale, (view.centre[0] - left, view.centre[1] - top),
        right - left, bottom - top, view.facing,
    )  # fmt: skip
    window = np.ascontiguousarray(image[top:bottom, left:right])
    image[top:bottom, left:right] = cv2.GaussianBlur(compose(head, local, window), (3, 3), 0.5)
