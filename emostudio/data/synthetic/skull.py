"""The head as a cylinder map: a radius for every angle and height.

Lengths are inter-ocular distances (pupil to pupil), origin midway between the pupils, x right,
y down, z towards the viewer. A column of the map is an angle, a row is a height.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

TOP, BOTTOM = -2.0, 2.44
"""Heights covered by the map; a dropped jaw reaches the lower end."""

FRONT_RADIUS = 1.42
"""Radius at which one column is as wide as one row is high."""

_EXPONENT = 2.25
# fmt: off
_TABLE = np.array((
    # y, half-width, front, back, axis
    (-2.00, 0.02, 0.02, -0.02, 0), (-1.95, 0.16, 0.17, -0.18, 0), (-1.88, 0.36, 0.40, -0.44, 0),
    (-1.75, 0.58, 0.68, -0.74, 0), (-1.40, 0.95, 1.10, -1.20, 0), (-1.00, 1.11, 1.33, -1.45, 0),
    (-0.30, 1.17, 1.44, -1.50, 0), (0.00, 1.17, 1.37, -1.50, 0), (0.40, 1.15, 1.40, -1.25, 0),
    (0.75, 1.09, 1.42, -0.85, 0), (1.05, 1.02, 1.43, -0.35, 0.08), (1.30, 0.90, 1.37, 0.08, 0.35),
    (1.48, 0.74, 1.38, 0.35, 0.58), (1.63, 0.55, 1.40, 0.62, 0.78), (1.75, 0.36, 1.32, 0.82, 0.93),
    (1.83, 0.14, 1.18, 0.93, 1.00), (1.90, 0.03, 1.08, 1.00, 1.04),
))
# fmt: on
_JAW_TOP, _JAW_LENGTH = 1.0, 0.45
CHIN = 1.9


def _smooth_tables() -> tuple[FloatArray, FloatArray]:
    fine = np.linspace(-2.0, 2.0, 801, dtype=np.float32)
    kernel = np.exp(-0.5 * (np.arange(-30, 31) * 0.005 / 0.04) ** 2)
    kernel /= kernel.sum()
    rows = []
    for table in _TABLE.T[1:]:
        values = np.interp(fine, _TABLE[:, 0], table)
        rows.append(np.convolve(np.pad(values, 30, mode="edge"), kernel, mode="valid"))
    return fine, np.stack(rows).astype(np.float32)


_FINE, _TABLES = _smooth_tables()


@dataclass(frozen=True)
class Chart:
    """Sizes and constant axes of the painting and of the lattice of half its resolution.

    Attributes
    ----------
    scale
        Painting rows per inter-ocular distance.
    height, width
        Size of the painting in pixels; the lattice has half of each.
    heights, angles
        Height (rows,) and angle (columns,) of the lattice points.
    """

    scale: float
    height: int
    width: int
    heights: FloatArray
    angles: FloatArray
    sine: FloatArray
    cosine: FloatArray
    sine_power: FloatArray
    cosine_power: FloatArray
    is_front: NDArray[np.bool_]


@lru_cache(maxsize=8)
def make_chart(scale: float) -> Chart:
    """Return the chart for a painting of `scale` rows per inter-ocular distance."""
    rows = round((BOTTOM - TOP) * scale / 2)
    columns = round(2 * np.pi * FRONT_RADIUS * scale / 4) * 2
    heights = TOP + (np.arange(rows, dtype=np.float32) + 0.5) * np.float32((BOTTOM - TOP) / rows)
    angles = (np.arange(columns, dtype=np.float32) + 0.5) * np.float32(2 * np.pi / columns)
    angles -= np.float32(np.pi)
    sine, cosine = np.sin(angles), np.cos(angles)
    return Chart(
        scale=scale,
        height=rows * 2,
        width=columns * 2,
        heights=heights.astype(np.float32),
        angles=angles,
        sine=sine,
        cosine=cosine,
        sine_power=np.abs(sine) ** np.float32(_EXPONENT),
        cosine_power=np.abs(cosine) ** np.float32(_EXPONENT),
        is_front=cosine > 0,
    )


@dataclass(frozen=True)
class Skull:
    """Cross-sections of one head at the lattice rows of a chart.

    Attributes
    ----------
    half_width, front, back, axis
        Arrays of shape (rows,); `front` and `back` are measured from the axis.
    chin
        Height at which the head ends.
    """

    chart: Chart
    half_width: FloatArray
    front: FloatArray
    back: FloatArray
    axis: FloatArray
    chin: float

    def radius(self) -> FloatArray:
        """Return the smooth radius without relief, shape (rows, columns)."""
        chart = self.chart
        power = np.float32(-_EXPONENT)
        side = (self.half_width**power)[:, None] * chart.sine_power
        front = (self.front**power)[:, None] * chart.cosine_power
        back = (self.back**power)[:, None] * chart.cosine_power
        depth = np.where(chart.is_front, front, back)
        radius: FloatArray = cv2.pow(side + depth, -1.0 / _EXPONENT)
        return radius

    def to_painting(self, points: FloatArray) -> FloatArray:
        """Map points (n, 2) seen from the front to pixels (n, 2) of the painting."""
        chart = self.chart
        x, y = points[:, 0], points[:, 1]
        half_width = np.interp(y, chart.heights, self.half_width)
        front = np.interp(y, chart.heights, self.front)
        share = np.minimum(np.abs(x) / half_width, 0.995)
        depth = front * (1.0 - share**_EXPONENT) ** (1.0 / _EXPONENT)
        angle = np.arctan2(share * half_width * np.sign(x), depth)
        column = (angle / (2 * np.pi) + 0.5) * chart.width - 0.5
        row = (y - TOP) * (chart.height / (BOTTOM - TOP)) - 0.5
        return np.stack((column, row), axis=1).astype(np.float32)


def make_skull(chart: Chart, shape: dict[str, float], is_male: bool, jaw_drop: float) -> Skull:
    """Return the cross-sections of one person's head with the jaw lowered by `jaw_drop`."""
    y = chart.heights
    stretch = float(np.clip(shape["chin"], -0.1, 0.1)) + jaw_drop
    lower = _JAW_TOP + _JAW_LENGTH + stretch
    table_y = np.interp(
        y, (-3.0, _JAW_TOP, lower, lower + 2.0), (-3.0, _JAW_TOP, 1.45, 3.45)
    ).astype(np.float32)
    half_width, front, back, axis = (np.interp(table_y, _FINE, row) for row in _TABLES)
    sex = 0.035 if is_male else -0.03
    jaw = np.exp(-0.5 * ((table_y - 1.35) / 0.3) ** 2)
    cheek = np.exp(-0.5 * ((table_y - 0.55) / 0.3) ** 2)
    half_width = half_width * (1 + shape["face_width"] + (shape["jaw"] + sex) * jaw)
    half_width = half_width + shape["cheek"] * cheek
    return Skull(
        chart=chart,
        half_width=half_width.astype(np.float32),
        front=np.maximum(front - axis, 0.02).astype(np.float32),
        back=np.maximum(axis - back, 0.02).astype(np.float32),
        axis=axis.astype(np.float32),
        chin=CHIN + stretch,
    )
