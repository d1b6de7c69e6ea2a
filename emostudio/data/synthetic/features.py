"""Eyes, brows, lips, teeth and nostrils as strokes on the painting."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.identity import Colour, Identity
from emostudio.data.synthetic.layout import Layout
from emostudio.data.synthetic.strokes import ByteArray, DisplayList, IntArray, fill

FloatArray = NDArray[np.float32]

PAINT, EYE = 0, 3
"""Layers of the display list: colour on the skin, and the parts of the two eye patches."""

_TURN = np.linspace(0, 2 * np.pi, 16, endpoint=False, dtype=np.float32)
_CIRCLE = np.stack((np.cos(_TURN), np.sin(_TURN)), axis=1).astype(np.float32)
_RIM = np.linspace(0, 1, 13, dtype=np.float32)
_IRIS, _PUPIL, _GAZE_STEP = 0.108, 0.047, 0.115
_LASH = (0.008 + 0.022 * np.sin(np.pi * np.minimum(1, _RIM * 0.85 + 0.12)) ** 0.6).astype(
    np.float32
)
_TEETH = (1 - np.abs(np.linspace(-0.95, 0.95, 21, dtype=np.float32)) ** 5).astype(np.float32)
_PARTS_PER_EYE = 8


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def _dark(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _circle(centre: FloatArray, radius: float) -> FloatArray:
    ring: FloatArray = centre + _CIRCLE * np.float32(radius)
    return ring


def _band(curve: FloatArray, above: FloatArray | float, below: FloatArray | float) -> FloatArray:
    top, bottom = curve.copy(), curve[::-1].copy()
    top[:, 1] -= above
    bottom[:, 1] += below if isinstance(below, float) else below[::-1]
    return np.concatenate((top, bottom))


def _add_eye(
    strokes: DisplayList, identity: Identity, layout: Layout, side: int, gaze: float
) -> None:
    eyes = layout.eyes
    upper, lower = eyes.upper[side], eyes.lower[side]
    white = _mix((236.0, 232.0, 228.0), identity.skin, 0.10)
    centre = eyes.centre[side] + np.array((gaze * _GAZE_STEP, 0.0), np.float32)
    strokes.add(EYE, np.concatenate((upper, lower[::-1])), (255.0,))
    strokes.add(EYE, _band(upper, 0.0, 0.045), _dark(white, 0.72))
    strokes.add(
        EYE,
        _circle(upper[0] + np.array(((-1, 1)[side] * 0.03, 0.01), np.float32), 0.035),
        _mix((196.0, 128.0, 118.0), identity.skin, 0.3),
    )
    strokes.add(EYE, _circle(centre, _IRIS), _dark(identity.iris, 0.42))
    strokes.add(EYE, _circle(centre, _IRIS * 0.82), identity.iris)
    strokes.add(EYE, _circle(centre, _PUPIL), (14.0, 12.0, 12.0))
    strokes.add(EYE, _band(upper, 0.0, 0.022), _dark(_mix(identity.iris, white, 0.3), 0.35))
    strokes.add(EYE, _circle(centre + np.array((-0.032, -0.038), np.float32), 0.021), (250.0,) * 3)


def _add_lids(strokes: DisplayList, identity: Identity, layout: Layout, side: int) -> None:
    upper, lower = layout.eyes.upper[side], layout.eyes.lower[side]
    lash = _dark(identity.skin, 0.16)
    strength = 0.75 if identity.is_male else 1.25
    strokes.add(PAINT, _band(upper, _LASH * strength, 0.006), lash)
    rim = _dark(identity.skin, 0.60 if identity.is_male else 0.5)
    strokes.add(PAINT, _band(lower[2:], 0.0, 0.012), rim)


def _add_brow(strokes: DisplayList, identity: Identity, layout: Layout, side: int) -> None:
    upper, lower = layout.brows.upper[side], layout.brows.lower[side]
    hair = _mix(_dark(identity.hair, 0.62), (26.0, 20.0, 18.0), 0.35)
    hair = _mix(hair, identity.skin, 0.12)
    outline = np.concatenate((upper, lower[::-1]))
    strokes.add(PAINT, outline, _mix(hair, identity.skin, 0.45))
    core = np.concatenate((upper * 0.8 + lower * 0.2, (lower * 0.85 + upper * 0.15)[::-1]))
    strokes.add(PAINT, core[1:-1], hair)


def _add_mouth(strokes: DisplayList, identity: Identity, layout: Layout) -> None:
    mouth = layout.mouth
    lip = identity.lip
    strokes.add(
        PAINT, np.concatenate((mouth.upper_outer, mouth.lower_outer[::-1])), _dark(lip, 0.97)
    )
    strokes.add(
        PAINT, np.concatenate((mouth.upper_outer, mouth.upper_inner[::-1])), _dark(lip, 0.84)
    )
    shine = mouth.lower_inner[8:17] * 0.45 + mouth.lower_outer[8:17] * 0.55
    strokes.add(PAINT, _band(shine, 0.012, 0.012), _mix(lip, (255.0, 225.0, 215.0), 0.22))
    if mouth.gap < 0.02:
        line = (mouth.upper_inner + mouth.lower_inner) * np.float32(0.5)
        strokes.add(PAINT, _band(line, 0.010, 0.012), _dark(lip, 0.34))
        return
    inside = np.concatenate((mouth.upper_inner, mouth.lower_inner[::-1]))
    strokes.add(PAINT, inside, (46.0, 18.0, 18.0))
    if layout.jaw_drop > 0.12:
        _add_tongue(strokes, layout)
    bared = max(layout.mean[unit] for unit in (12, 10, 20, 16))
    _add_teeth(strokes, layout, 0.05 + 0.10 * min(1.0, bared), layout.mean[16])
    strokes.add(PAINT, _band(mouth.upper_inner, 0.010, 0.014), _dark(lip, 0.38))
    strokes.add(PAINT, _band(mouth.lower_inner, 0.006, 0.008), _dark(lip, 0.55))


def _add_tongue(strokes: DisplayList, layout: Layout) -> None:
    mouth = layout.mouth
    bottom = mouth.lower_inner[5:20]
    rise = np.float32(0.35 * mouth.gap)
    top = bottom.copy()
    top[:, 1] -= rise * np.sin(np.linspace(0.35, np.pi - 0.35, 15, dtype=np.float32))
    top[:, 1] = np.maximum(top[:, 1], mouth.upper_inner[5:20, 1])
    strokes.add(PAINT, np.concatenate((top, bottom[::-1])), (150.0, 66.0, 66.0))


def _add_teeth(strokes: DisplayList, layout: Layout, height: float, lower_share: float) -> None:
    mouth = layout.mouth
    top, bottom = mouth.upper_inner[2:23], mouth.lower_inner[2:23]
    edge = top.copy()
    edge[:, 1] = np.minimum(top[:, 1] + height * _TEETH, bottom[:, 1])
    strokes.add(PAINT, np.concatenate((top, edge[::-1])), (232.0, 226.0, 214.0))
    strokes.add(PAINT, _band(edge[6:15], 0.0, 0.006), (120.0, 90.0, 84.0))
    if lower_share > 0.15:
        lower = bottom.copy()
        high = min(0.09, 0.11 * lower_share) * _TEETH
        lower[:, 1] = np.maximum(bottom[:, 1] - high, np.minimum(edge[:, 1] + 0.012, bottom[:, 1]))
        strokes.add(PAINT, np.concatenate((lower, bottom[::-1])), (214.0, 206.0, 194.0))


def _add_nostrils(strokes: DisplayList, identity: Identity, layout: Layout) -> None:
    dark = _mix(_dark(identity.skin, 0.28), (52.0, 20.0, 16.0), 0.4)
    for sign in (-1.0, 1.0):
        centre = np.array((sign * layout.nose_width * 0.55, layout.nose_base - 0.045), np.float32)
        shape = _CIRCLE * np.array((0.052, 0.026), np.float32)
        shape[:, 1] += sign * 0.25 * shape[:, 0]
        strokes.add(PAINT, centre + shape, dark)


def add_features(strokes: DisplayList, identity: Identity, layout: Layout, gaze: float) -> None:
    """Collect everything with a colour of its own.

    Parameters
    ----------
    strokes
        Receives layers `PAINT` and `EYE`.
    identity, layout
        Whose features, and where they are.
    gaze
        Iris travel: -1 left in the image, 0 straight ahead, 1 right.
    """
    for side in (0, 1):
        _add_eye(strokes, identity, layout, side, gaze)
    _add_mouth(strokes, identity, layout)
    _add_nostrils(strokes, identity, layout)
    for side in (0, 1):
        _add_lids(strokes, identity, layout, side)
        _add_brow(strokes, identity, layout, side)


def paint_eyes(painting: ByteArray, strokes: DisplayList, identity: Identity) -> None:
    """Blend both eye patches into the painting through eye-shaped masks."""
    parts = strokes.mapped(EYE)
    inks = strokes.inks(EYE)
    for start in (0, _PARTS_PER_EYE):
        stop = start + _PARTS_PER_EYE
        _paint_eye(painting, parts[start:stop], inks[start + 1 : stop], identity)


def _paint_eye(
    painting: ByteArray, parts: list[IntArray], inks: list[tuple[float, ...]], identity: Identity
) -> None:
    shape = parts[0]
    low = np.maximum((shape.min(axis=0) >> 4) - 2, 0)
    high = (shape.max(axis=0) >> 4) + 3
    window = painting[low[1] : high[1], low[0] : high[0]]
    patch = np.empty_like(window)
    patch[:] = np.array(_mix((236.0, 232.0, 228.0), identity.skin, 0.10), np.uint8)
    offset = low * 16
    for points, ink in zip(parts[1:], inks, strict=True):
        fill(patch, points - offset, ink)
    mask = np.zeros(window.shape[:2], np.uint8)
    fill(mask, shape - offset, (255.0,))
    weight = mask * np.float32(1 / 255)
    window[:] = cv2.blendLinear(patch, np.ascontiguousarray(window), weight, 1 - weight)
