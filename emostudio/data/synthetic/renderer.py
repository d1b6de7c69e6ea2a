"""Draw one face, or one face from five sides, from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import Emotion
from emostudio.data.synthetic.expressions import draw_expression
from emostudio.data.synthetic.head import Head, paint_head
from emostudio.data.synthetic.identity import draw_identity
from emostudio.data.synthetic.photograph import compose, draw_background, draw_finish, expose
from emostudio.data.synthetic.projection import View, make_rotation
from emostudio.data.synthetic.shading import draw_light

ByteArray = NDArray[np.uint8]
Camera = Literal["000", "045", "090", "135", "180"]
Gaze = Literal["left", "frontal", "right"]

CAMERAS: tuple[Camera, ...] = ("000", "045", "090", "135", "180")
"""Camera angles of the Radboud database; 090 is frontal, 000 sees the nose point left."""

GAZES: tuple[Gaze, ...] = ("left", "frontal", "right")

_ANCHOR = (0.0, 0.37, 0.55)
_POSE_SPREAD = np.radians((3.0, 3.0, 2.5))
_FACE_STREAM, _CAMERA_STREAM = 0xFA, 0xCA


@dataclass(frozen=True)
class FaceRequest:
    """Who shows what, and how it is photographed.

    Attributes
    ----------
    identity
        Number of the person.
    take
        Which photograph of the same combination.
    size
        Side of the square picture in pixels.
    field_of_view
        Side of the picture in inter-ocular distances; 2.8 is a tight face crop.
    intensity
        Range of the expression's strength, 1 is full.
    glasses_share
        Share of people who wear glasses.
    """

    identity: int
    emotion: Emotion
    gaze: Gaze = "frontal"
    take: int = 0
    seed: int = 0
    size: int = 64
    field_of_view: float = 2.8
    intensity: tuple[float, float] = (0.35, 1.0)
    glasses_share: float = 0.0


def _oversampling(size: int) -> float:
    return 1.5 if size <= 160 else 1.2


def _paint(request: FaceRequest, pixels: int) -> tuple[Head, NDArray[np.float64]]:
    gaze = GAZES.index(request.gaze) - 1
    key = [
        _FACE_STREAM,
        request.seed,
        request.identity,
        request.emotion.position,
        gaze + 1,
        request.take,
    ]
    random = np.random.default_rng(key)
    identity = draw_identity(request.identity, request.seed, request.glasses_share)
    expression = draw_expression(request.emotion, random, request.intensity)
    light = draw_light(random)
    pose = np.clip(random.normal(size=3), -2, 2) * _POSE_SPREAD
    scale = pixels / request.field_of_view
    return paint_head(identity, expression, float(gaze), scale, light), pose


def _photograph(
    request: FaceRequest, head: Head, pose: NDArray[np.float64], camera: Camera, pixels: int
) -> ByteArray:
    side = CAMERAS.index(camera)
    gaze = GAZES.index(request.gaze)
    random = np.random.default_rng(
        [
            _CAMERA_STREAM,
            request.seed,
            request.identity,
            request.emotion.position,
            gaze,
            request.take,
            side,
        ]
    )
    yaw, pitch, roll = pose.tolist()
    pitch += head.layout.bow
    yaw += np.radians((side - 2) * 45.0)
    rotation = make_rotation(yaw, pitch, roll)
    scale = pixels / (request.field_of_view * random.uniform(0.96, 1.06))
    anchor = rotation[:2] @ np.array(_ANCHOR, np.float32)
    shift = random.uniform(-0.06, 0.06, 2)
    centre = pixels / 2 - (anchor + shift) * scale
    view = View(rotation, scale, (float(centre[0]), float(centre[1])), pixels, pixels, -yaw)
    background = draw_background(random, pixels, pixels)
    finish = draw_finish(random)
    return expose(compose(head, view, background), (request.size, request.size), finish)


def render_cameras(request: FaceRequest, cameras: Sequence[Camera] = CAMERAS) -> list[ByteArray]:
    """Draw one moment as seen by several cameras; painting happens once.

    Parameters
    ----------
    request
        Who shows what.
    cameras
        Camera angles, any of `CAMERAS`.

    Returns
    -------
    One picture per camera, uint8 (size, size, 3) RGB; the same request gives the same bytes.
    """
    pixels = round(request.size * _oversampling(request.size) / 2) * 2
    head, pose = _paint(request, pixels)
    return [_photograph(request, head, pose, camera, pixels) for camera in cameras]


def render_face(
    identity: int,
    emotion: Emotion,
    camera: Camera = "090",
    gaze: Gaze = "frontal",
    size: int = 64,
    seed: int = 0,
) -> ByteArray:
    """Draw one face.

    Parameters
    ----------
    identity
        Number of the person.
    emotion
        What the face shows.
    camera, gaze
        Direction of the camera and of the eyes.
    size
        Side of the square picture in pixels.
    seed
        Seed of the population.

    Returns
    -------
    uint8 (size, size, 3) RGB; the same arguments give the same bytes.
    """
    request = FaceRequest(identity, emotion, gaze=gaze, size=size, seed=seed)
    return render_cameras(request, (camera,))[0]
