"""Light on the head's surface, computed on the lattice."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.skull import BOTTOM, TOP, Skull

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

NEUTRAL = 128
"""Value of a shade image that leaves the painting as it is."""

_WRAP = 0.15
_CONTRAST, _PIVOT = 0.75, 0.97
_SHINE = 0.16
_ACROSS = np.array([[-0.5, 0.0, 0.5]], np.float32)


@dataclass(frozen=True)
class Light:
    """One lamp fixed to the room: direction towards it (3,), and the share that has none."""

    direction: tuple[float, float, float]
    ambient: float


def draw_light(random: np.random.Generator) -> Light:
    """Draw a lamp somewhere in front of and above the face."""
    x = float(np.clip(random.normal(0, 0.45), -0.9, 0.9))
    y = -float(min(abs(random.normal(0.45, 0.25)), 0.95))
    length = float(np.sqrt(x * x + y * y + 1))
    return Light((x / length, y / length, 1 / length), float(random.uniform(0.42, 0.62)))


def shade(
    skull: Skull, radius: FloatArray, hair: FloatArray, light: Light
) -> tuple[ByteArray, ByteArray]:
    """Shade the surface.

    Parameters
    ----------
    skull
        Gives the axis and the grid.
    radius
        Radius with relief and hair, shape (rows, columns).
    hair
        Share of hair in each point, shape (rows, columns).
    light
        The lamp.

    Returns
    -------
    Multiplier (`NEUTRAL` is 1) and specular light to add, both (rows, columns).
    """
    chart = skull.chart
    step_y = (BOTTOM - TOP) / len(chart.heights)
    step_angle = 2 * np.pi / len(chart.angles)
    turn = cv2.filter2D(radius, -1, _ACROSS * np.float32(1 / step_angle)) / radius
    slope = cv2.filter2D(radius, -1, _ACROSS.T * np.float32(1 / step_y))
    axis_slope = np.gradient(skull.axis, np.float32(step_y)).astype(np.float32)
    x = chart.sine - turn * chart.cosine
    z = chart.cosine + turn * chart.sine
    y = -(slope + axis_slope[:, None] * z)
    inverse = 1.0 / np.sqrt(x * x + y * y + z * z)
    lx, ly, lz = (np.float32(value) for value in light.direction)
    facing = (x * lx + y * ly + z * lz) * inverse
    bright = np.maximum((facing + np.float32(_WRAP)) * np.float32(1 / (1 + _WRAP)), 0)
    value = np.float32(light.ambient) + bright * np.float32(1.06 - light.ambient)
    value = np.float32(_PIVOT) + np.float32(_CONTRAST) * (value - np.float32(_PIVOT))
    wide = max(3, round(0.28 / step_y) | 1)
    average = cv2.blur(cv2.blur(radius, (wide, wide)), (wide, wide))
    hollow = np.clip(1.0 + np.float32(1.9) * (radius - average), 0.62, 1.10)
    half = np.array((lx, ly, lz + 1), np.float32)
    half /= np.linalg.norm(half)
    gloss = np.maximum((x * half[0] + y * half[1] + z * half[2]) * inverse, 0)
    gloss = gloss**2
    gloss = gloss**2
    gloss = gloss**2
    gloss = gloss * gloss * gloss * (1 - hair)
    multiplier = cv2.convertScaleAbs(value * hollow, alpha=NEUTRAL)
    return multiplier, cv2.convertScaleAbs(gloss, alpha=255 * _SHINE)
