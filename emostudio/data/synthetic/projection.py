"""Look at a painted head: scatter where each surface point lands, then look colours up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.head import Head
from emostudio.data.synthetic.strokes import ByteArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_HALF_WINDOW = np.radians(122.0)


@dataclass(frozen=True)
class View:
    """Orthographic camera: image = scale * (rotation @ point - anchor) + centre.

    Attributes
    ----------
    rotation
        Matrix (3, 3); the third row points to the viewer.
    scale
        Pixels per inter-ocular distance.
    centre
        Pixel (x, y) of the rotated origin.
    width, height
        Size of the image in pixels, both even.
    facing
        Angle of the surface column that faces the viewer, in radians.
    """

    rotation: FloatArray
    scale: float
    centre: tuple[float, float]
    width: int
    height: int
    facing: float

    def project(self, points: FloatArray) -> FloatArray:
        """Map points (..., 3) to pixels (..., 2)."""
        matrix = (self.rotation[:2] * np.float32(self.scale)).T
        pixels: FloatArray = points @ matrix + np.array(self.centre, np.float32)
        return pixels


def make_rotation(yaw: float, pitch: float, roll: float) -> FloatArray:
    """Return the head rotation; radians, positive yaw turns the nose to the right."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    turn = np.array(((cy, 0, sy), (0, 1, 0), (-sy, 0, cy)))
    nod = np.array(((1, 0, 0), (0, cp, sp), (0, -sp, cp)))
    tilt = np.array(((cr, -sr, 0), (sr, cr, 0), (0, 0, 1)))
    return np.asarray(tilt @ nod @ turn, np.float32)


@lru_cache(maxsize=32)
def _far_first(rows: int, columns: int) -> IntArray:
    """Flat indices of a grid, the columns farthest from the middle first."""
    distance = np.abs(np.arange(columns) - (columns - 1) / 2)
    order = np.argsort(-distance, kind="stable").astype(np.int32)
    flat = order[:, None] + np.arange(rows, dtype=np.int32) * np.int32(columns)
    return flat.ravel()


def _visible(head: Head, view: View) -> tuple[FloatArray, int]:
    """Project the columns around the facing one; return pixels (r, c, 2), first column."""
    columns = len(head.chart.angles)
    middle = (view.facing / (2 * np.pi) + 0.5) * columns
    half = round(_HALF_WINDOW / (2 * np.pi) * columns)
    first = round(middle) - half
    rows = int(np.searchsorted(head.chart.heights, head.chin)) + 1
    window = np.arange(first, first + 2 * half) % columns
    pixels = view.project(head.surface[:rows][:, window])
    return pixels, first


def _scatter(pixels: FloatArray, width: int, height: int) -> IntArray:
    """Return for each cell of the half-size image the nearest point's flat index, or -1."""
    rows, columns = pixels.shape[:2]
    order = _far_first(rows, columns)
    limit = np.array((width + 1, height + 1), np.float32)
    cells = np.clip(np.rint(pixels * np.float32(0.5) + np.float32(0.75)), 0, limit)
    places = (cells[..., 1] * np.float32(width + 2) + cells[..., 0]).astype(np.int32).ravel()
    nearest = np.full((height + 2) * (width + 2), -1, np.int32)
    nearest[places[order]] = order
    return nearest.reshape(height + 2, width + 2)[1:-1, 1:-1]


def _coordinates(pixels: FloatArray, nearest: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return painting coordinates (h, w, 2) of the half-size image and its mask."""
    columns = pixels.shape[1]
    step = np.zeros_like(pixels)
    step[:, 1:-1, 0] = (pixels[:, 2:, 0] - pixels[:, :-2, 0]) * np.float32(0.5)
    step[1:-1, :, 1] = (pixels[2:, :, 1] - pixels[:-2, :, 1]) * np.float32(0.5)
    mask = (nearest >= 0).astype(np.float32)
    index = np.maximum(nearest, 0)
    height, width = nearest.shape
    landed = pixels.reshape(-1, 2)[index]
    slope = step.reshape(-1, 2)[index]
    grid = np.empty((height, width, 2), np.float32)
    grid[..., 0] = np.arange(width, dtype=np.float32) * 2 + 0.5
    grid[..., 1] = (np.arange(height, dtype=np.float32) * 2 + 0.5)[:, None]
    correction = np.clip((grid - landed) / np.maximum(slope, 0.35), -1.2, 1.2)
    packed = np.empty((height, width, 3), np.float32)
    packed[..., 0] = (index % columns + correction[..., 0]) * mask
    packed[..., 1] = (index // columns + correction[..., 1]) * mask
    packed[..., 2] = mask
    near = cv2.blur(packed, (3, 3))
    known = mask[..., None] > 0
    filled = np.where(known, packed, near / np.maximum(near[..., 2:], 1e-6))
    filled[..., :2] *= near[..., 2:] > 0
    filled[..., 2] = near[..., 2] > 0
    return filled, near[..., 2]


def look_at(head: Head, view: View) -> tuple[ByteArray, FloatArray]:
    """Draw the head as seen by a camera.

    Parameters
    ----------
    head
        Painted head.
    view
        The camera.

    Returns
    -------
    Colours (height, width, 3) RGB, meaningless outside the head, and coverage (height, width)
    in [0, 1].
    """
    pixels, first = _visible(head, view)
    rows, columns = pixels.shape[:2]
    pixels = cv2.resize(pixels, (columns * 2, rows * 2))
    nearest = _scatter(pixels, view.width // 2, view.height // 2)
    packed, near = _coordinates(pixels, nearest)
    size = (view.width, view.height)
    whole = cv2.resize(packed, size)
    place = whole[..., :2] / np.maximum(whole[..., 2:], 1e-4)
    place[..., 0] += np.float32(first * 2)
    colours = cv2.remap(head.painting, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    coverage = np.clip(cv2.resize(near, size) * np.float32(2.4) - np.float32(0.7), 0, 1)
    return colours, coverage
