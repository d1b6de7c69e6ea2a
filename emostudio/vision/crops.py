"""Faces cut out of a frame: the same pixels for every variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import Emotion
from emostudio.vision.base import Box

MOST_FACES = 8
"""Most faces classified per frame, the largest ones."""

MIN_SIDE = 8
"""Faces smaller than this many pixels are passed over."""

_SAME_FACE = 0.25
"""Overlap (intersection over union) from which a found face is the true one."""


def usable_faces(boxes: Sequence[Box], width: int, height: int) -> tuple[Box, ...]:
    """Clip boxes to the frame and order them by size, leaving out what is too small.

    Parameters
    ----------
    boxes
        Faces as a detector found them; they may reach over the border.
    width, height
        Size of the frame in pixels.
    """
    clipped = [_clip(box, width, height) for box in boxes]
    kept = [box for box in clipped if min(box[2], box[3]) >= MIN_SIDE]
    return tuple(sorted(kept, key=lambda box: (-box[2] * box[3], box)))


def crop(image: NDArray[np.uint8], box: Box, margin: float) -> NDArray[np.uint8]:
    """Cut a square around a face.

    Parameters
    ----------
    image
        Shape (H, W, 3).
    box
        The face, inside the frame.
    margin
        Share of the longer side that is added; the square is moved into the frame, and cut only
        where it is larger than the frame.

    Returns
    -------
    A view into `image`.
    """
    height, width = image.shape[:2]
    left, top, box_width, box_height = box
    side = max(MIN_SIDE, round(max(box_width, box_height) * (1 + margin)))
    across, down = min(side, width), min(side, height)
    x = min(max(0, round(left + box_width / 2 - across / 2)), width - across)
    y = min(max(0, round(top + box_height / 2 - down / 2)), height - down)
    return image[y : y + down, x : x + across]


def true_emotions(
    faces: Sequence[Box], truth: Sequence[tuple[Box, Emotion]]
) -> tuple[Emotion | None, ...]:
    """Return the true emotion of each found face, None where no true face is there."""
    return tuple(_true_emotion(face, truth) for face in faces)


def _true_emotion(face: Box, truth: Sequence[tuple[Box, Emotion]]) -> Emotion | None:
    best = max(truth, key=lambda known: _overlap(face, known[0]), default=None)
    if best is None or _overlap(face, best[0]) < _SAME_FACE:
        return None
    return best[1]


def _overlap(a: Box, b: Box) -> float:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(0, across) * max(0, down)
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def _clip(box: Box, width: int, height: int) -> Box:
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(width, box[0] + box[2]), min(height, box[1] + box[3])
    return (left, top, max(0, right - left), max(0, bottom - top))
