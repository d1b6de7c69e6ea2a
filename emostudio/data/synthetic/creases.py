"""Folds and soft shadows: the lines that action units draw on the skin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.identity import Identity
from emostudio.data.synthetic.layout import Layout
from emostudio.data.synthetic.strokes import DisplayList

FloatArray = NDArray[np.float32]

CREASE, SOFT = 1, 2
"""Layers of the display list: sharp folds and wide shadows, both grey on white."""

_LINE = np.linspace(-1, 1, 7, dtype=np.float32)
_HALF = np.linspace(0, 1, 6, dtype=np.float32)


def _points(x: NDArray[np.floating], y: NDArray[np.floating]) -> FloatArray:
    return np.stack((x, y), axis=1).astype(np.float32)


def _crease(strokes: DisplayList, points: FloatArray, depth: float, width: float) -> None:
    if depth > 0.02:
        strokes.add(CREASE, points, (255.0 * (1.0 - min(depth, 0.8)),), width)


def _forehead(strokes: DisplayList, identity: Identity, layout: Layout) -> None:
    inner = layout.mean[1]
    outer = layout.mean[2]
    lower = layout.mean[4]
    deep = 0.6 + 0.5 * identity.age
    rest = 0.10 * max(0.0, identity.age - 0.4)
    brow_y = float(layout.brows.upper[:, 3, 1].mean())
    for step, share in ((0.15, 0.8), (0.27, 1.0), (0.39, 0.7)):
        wide = 0.72 if outer > inner * 0.5 else 0.36
        sag = -0.03 if outer > inner * 0.5 else 0.035
        y = brow_y - step + sag * (1 - _LINE**2) + 0.012 * np.sin(_LINE * 7 + step * 40)
        depth = rest + share * deep * 0.48 * max(inner * (0.8 if lower > 0.3 else 0.9), outer)
        _crease(strokes, _points(_LINE * wide, y), depth, 0.03)
    frown = lower * (1 - 0.55 * min(1.0, inner))
    for side in (0, 1):
        sign = (-1.0, 1.0)[side]
        inner_y = float(layout.brows.lower[side, 0, 1])
        x = sign * (0.085 + 0.012 * np.sin(_HALF * 2.5))
        y = inner_y - 0.17 + 0.25 * _HALF
        _crease(strokes, _points(x, y), 0.62 * frown * deep + rest, 0.035)


def _eye_folds(strokes: DisplayList, identity: Identity, layout: Layout, side: int) -> None:
    units = layout.units
    sign = (-1.0, 1.0)[side]
    squint = float(units[6][side])
    lower = layout.eyes.lower[side]
    upper = layout.eyes.upper[side]
    drop = np.linspace(0.055, 0.075, 13, dtype=np.float32) + 0.04 * (
        1 - np.linspace(-1, 1, 13) ** 2
    )
    bag = lower + np.stack((np.zeros(13), drop), axis=1)
    depth = 0.10 + 0.14 * identity.age + 0.38 * squint + 0.18 * float(units[7][side])
    _crease(strokes, bag[1:11].astype(np.float32), depth, 0.03)
    fold = (0.052 + 0.012 * identity.shape["lid_fold"]) * (1 + 0.2 * float(units[43][side]))
    lifted = upper[1:] - np.array((0, fold), np.float32)
    _crease(strokes, lifted, 0.34 - 0.2 * float(units[4][side] > 0.5), 0.024)
    if squint > 0.3 or identity.age > 0.6:
        corner = upper[12]
        crow = 0.4 * squint + 0.15 * max(0.0, identity.age - 0.5)
        for angle in (-0.09, 0.01, 0.10):
            x = corner[0] + sign * (0.05 + 0.15 * _HALF)
            y = corner[1] + angle * (0.4 + _HALF) + 0.01
            _crease(strokes, _points(x, y), crow, 0.02)


def _cheek_folds(strokes: DisplayList, identity: Identity, layout: Layout, side: int) -> None:
    units = layout.units
    sign = (-1.0, 1.0)[side]
    smile = float(units[12][side])
    sneer = max(float(units[9][side]) * 0.8, float(units[10][side]))
    corner = layout.mouth.corners[side]
    depth = 0.10 + 0.22 * identity.age + 0.5 * max(smile * 0.9, sneer)
    start_y = layout.nose_base - 0.12 - 0.03 * sneer
    end_y = min(float(corner[1]), 1.08) + 0.02
    out = abs(float(corner[0])) + 0.10 + 0.02 * smile
    x = sign * (layout.nose_width + 0.06 + (out - layout.nose_width - 0.06) * _HALF**1.15)
    bulge = 0.04 * smile * np.sin(np.pi * _HALF)
    y = start_y + (end_y - start_y) * _HALF**0.9 - bulge
    _crease(strokes, _points(x + sign * bulge, y), depth, 0.042)
    strokes.add(SOFT, _points(x, y), (255.0 * (1 - 0.32 * min(1.0, depth * 1.4)),), 0.10)
    down = float(units[15][side])
    x = corner[0] + sign * (0.03 + 0.07 * _HALF)
    y = corner[1] + 0.01 + 0.26 * _HALF
    _crease(strokes, _points(x, y), 0.34 * down + 0.12 * max(0.0, identity.age - 0.4), 0.035)
    dent = max(float(units[14][side]), 0.5 * smile)
    x = np.full(6, corner[0] + sign * 0.03)
    y = corner[1] - 0.06 + 0.12 * _HALF
    _crease(strokes, _points(x, y), 0.5 * dent, 0.04)


def _nose_folds(strokes: DisplayList, layout: Layout) -> None:
    wrinkle = layout.mean[9]
    if wrinkle > 0.15:
        for index, y0 in enumerate((0.0, 0.09, 0.18)):
            y = y0 - 0.03 + 0.04 * _LINE**2
            _crease(strokes, _points(_LINE * (0.11 + 0.02 * index), y), 0.42 * wrinkle, 0.022)
        for sign in (-1.0, 1.0):
            x = sign * (0.14 + 0.09 * _HALF)
            y = 0.16 + 0.16 * _HALF
            _crease(strokes, _points(x, y), 0.40 * wrinkle, 0.03)
    for sign in (-1.0, 1.0):
        x = sign * (layout.nose_width + 0.035 * np.sin(np.pi * _HALF))
        y = layout.nose_base - 0.17 + 0.15 * _HALF
        _crease(strokes, _points(x, y), 0.34, 0.03)


def _soft(strokes: DisplayList, layout: Layout) -> None:
    for side in (0, 1):
        sign = (-1.0, 1.0)[side]
        brow, lid = layout.brows.lower[side], layout.eyes.upper[side]
        strokes.add(SOFT, np.concatenate((brow, lid[::-1])), (206.0,))
        inner = sign * (0.17 + 0.03 * np.sin(_HALF * 3))
        strokes.add(SOFT, _points(inner, -0.14 + 0.26 * _HALF), (196.0,), 0.10)
        nose = sign * (0.13 + 0.07 * _HALF)
        strokes.add(SOFT, _points(nose, 0.2 + 0.4 * _HALF), (222.0,), 0.08)
    y = layout.nose_base + 0.01 + 0.02 * (1 - _LINE**2)
    strokes.add(SOFT, _points(_LINE * layout.nose_width * 0.95, y), (150.0,), 0.07)
    lip = layout.mouth.lower_outer[6:19] + np.array((0, 0.06), np.float32)
    strokes.add(SOFT, lip * np.array((0.75, 1.0), np.float32), (185.0,), 0.08)
    pushed = layout.mean[17]
    if pushed > 0.2:
        chin_y = 1.5 + layout.jaw_drop - 0.035 * pushed
        for x0 in (-0.14, 0.0, 0.14):
            dimple = _points(x0 + 0.05 * _LINE, chin_y + 0.03 * _LINE**2 + 0.05 * (x0 == 0))
            _crease(strokes, dimple, 0.16 * pushed, 0.035)


def add_creases(strokes: DisplayList, identity: Identity, layout: Layout) -> None:
    """Collect all folds (layer `CREASE`) and soft shadows (layer `SOFT`) of a face."""
    _soft(strokes, layout)
    _forehead(strokes, identity, layout)
    _nose_folds(strokes, layout)
    for side in (0, 1):
        _eye_folds(strokes, identity, layout, side)
        _cheek_folds(strokes, identity, layout, side)
