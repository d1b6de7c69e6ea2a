"""Where the features of a face are, once its action units have moved them.

All curves are in inter-ocular distances as seen from the front. Arrays with a leading axis of
two hold the left and the right side of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.expressions import UNITS
from emostudio.data.synthetic.identity import Identity

FloatArray = NDArray[np.float32]

_JAW_TRAVEL = 0.42
_CHIN_RAISE = 0.075
_BOW = np.radians(9.0)
SIDES = np.array((-1.0, 1.0), np.float32)[:, None]
_LID = np.linspace(-1, 1, 13, dtype=np.float32)
_BROW = np.linspace(0, 1, 10, dtype=np.float32)
_MOUTH = np.linspace(-1, 1, 25, dtype=np.float32)
_ABS_MOUTH = np.abs(_MOUTH)
_CUPID = (
    1.0
    - 0.24 * np.exp(-0.5 * (_MOUTH / 0.10) ** 2)
    + 0.10 * np.exp(-0.5 * ((_ABS_MOUTH - 0.27) / 0.13) ** 2)
).astype(np.float32)
_SQUARE = np.exp(-0.5 * ((_ABS_MOUTH - 0.42) / 0.2) ** 2).astype(np.float32)
_INNER = np.exp(-0.5 * (_BROW / 0.45) ** 2).astype(np.float32)
_OUTER = np.exp(-0.5 * ((_BROW - 0.85) / 0.4) ** 2).astype(np.float32)
_BROW_REST = (
    0.035 * (1 - _BROW) ** 2 - 0.05 * np.sin(np.pi * np.minimum(1, _BROW * 0.82 + 0.06))
    + 0.055 * _BROW**3
).astype(np.float32)  # fmt: skip
_BROW_TAPER = (np.interp(_BROW, (0, 0.08, 0.3, 0.6, 1), (0.55, 0.9, 1.0, 0.82, 0.16)) * 0.5).astype(
    np.float32
)


@dataclass(frozen=True)
class Eyes:
    """Lid curves (2, 13, 2) from inner to outer corner, centres (2, 2), opening (2,)."""

    upper: FloatArray
    lower: FloatArray
    centre: FloatArray
    opening: FloatArray


@dataclass(frozen=True)
class Brows:
    """Upper and lower edges (2, 10, 2) from the inner to the outer end."""

    upper: FloatArray
    lower: FloatArray


@dataclass(frozen=True)
class Mouth:
    """Four curves (25, 2) from left to right: outer and inner edges of both lips."""

    upper_outer: FloatArray
    upper_inner: FloatArray
    lower_inner: FloatArray
    lower_outer: FloatArray
    corners: FloatArray
    gap: float


@dataclass(frozen=True)
class Layout:
    """A face at one moment: features, the units (2, 20) that moved them, the bow in radians."""

    units: dict[int, FloatArray]
    mean: dict[int, float]
    eyes: Eyes
    brows: Brows
    mouth: Mouth
    jaw_drop: float
    nose_tip: float
    nose_base: float
    nose_width: float
    bow: float


def _eyes(identity: Identity, units: dict[int, FloatArray]) -> Eyes:
    shape = identity.shape
    half = 0.228 * (1 + shape["eye_width"]) * (1.0 if identity.is_male else 1.04)
    tall = (
        (1 + shape["eye_height"]) * (0.98 if identity.is_male else 1.08) * (1 - 0.1 * identity.age)
    )
    worry = np.minimum(units[1], units[4])
    upper = 0.098 * tall + 0.095 * units[5] - 0.026 * units[6] - 0.035 * units[7] - 0.03 * units[9]
    upper = upper - 0.085 * units[43]
    lower = 0.062 * tall + 0.022 * units[5] - 0.045 * units[6] - 0.032 * units[7] - 0.03 * units[9]
    lower = np.maximum(lower, -0.03)
    upper = np.maximum(upper, 0.014 - lower)
    x = 0.5 + shape["eye_distance"] + half * _LID
    x = SIDES * x[None, :]
    tilt = -(0.012 + shape["eye_tilt"]) * _LID
    slant = 0.035 * worry[:, None] * _LID + 0.018 * _LID * np.minimum(worry[:, None], 1)
    arc = np.maximum(1 - np.abs(_LID + 0.06 * (1 - _LID**2)) ** 2.2, 0.0) ** 0.75
    upper_y = tilt + slant - upper[:, None] * arc
    lower_y = (
        tilt
        + 0.5 * slant
        + lower[:, None] * np.maximum(1 - np.abs(_LID - 0.08 * (1 - _LID**2)) ** 2.4, 0)
    )
    centre = np.stack((SIDES[:, 0] * (0.5 + shape["eye_distance"]), np.full(2, -0.012)), axis=1)
    return Eyes(
        upper=np.stack((x, upper_y), axis=2).astype(np.float32),
        lower=np.stack((x, lower_y), axis=2).astype(np.float32),
        centre=centre.astype(np.float32),
        opening=(upper + lower).astype(np.float32),
    )


def _brows(identity: Identity, units: dict[int, FloatArray]) -> Brows:
    shape = identity.shape
    raise_inner, raise_outer, lower = (units[unit][:, None] for unit in (1, 2, 4))
    calm = 1 - 0.75 * np.minimum(raise_inner, 1.0)
    worry = np.minimum(raise_inner, lower)
    y = -0.31 + shape["brow_height"] + _BROW_REST * (1 + shape["brow_arch"])
    y = y + (0.02 if identity.is_male else -0.01)
    y = y - 0.15 * raise_inner * _INNER - 0.15 * raise_outer * _OUTER
    y = y + calm * lower * (0.05 + 0.165 * _INNER) + 0.06 * units[9][:, None] * _INNER
    y = y + worry * (-0.09 * _INNER + 0.15 * _OUTER)
    length = 0.66 - 0.04 * identity.age
    x = SIDES * (0.15 - 0.055 * calm * lower + _BROW * length + 0.02 * shape["brow_arch"])
    thick = (0.105 if identity.is_male else 0.075) * (1 + shape["brow_thickness"])
    taper = thick * _BROW_TAPER
    return Brows(
        upper=np.stack((x, y - taper), axis=2).astype(np.float32),
        lower=np.stack((x, y + taper), axis=2).astype(np.float32),
    )


def _fullness(identity: Identity, mean: dict[int, float], drop: float) -> float:
    """Lip thickness as a factor: pressed, stretched and old lips are thinner."""
    value = (1 + identity.shape["lip_fullness"]) * (0.94 if identity.is_male else 1.1)
    value *= (1 - 0.45 * mean[23]) * (1 - 0.45 * mean[24]) * (1 - 0.22 * mean[12])
    return value * (1 - 0.25 * identity.age) * (1 - 0.3 * min(1.0, drop / _JAW_TRAVEL))


def _corners(
    identity: Identity, units: dict[int, FloatArray], rest: float, drop: float
) -> FloatArray:
    half = 0.385 * (1 + identity.shape["mouth_width"]) * (1.02 if identity.is_male else 0.97)
    x = half + 0.14 * units[12] + 0.13 * units[20] + 0.06 * units[14]
    x = x - 0.05 * units[23] - 0.02 * units[24] - 0.2 * drop
    y = rest - 0.19 * units[12] + 0.17 * units[15] + 0.07 * units[20] - 0.05 * units[14]
    y = y - 0.03 * units[10] + 0.32 * drop
    return np.stack((SIDES[:, 0] * x, y), axis=1).astype(np.float32)


def _mouth(
    identity: Identity, units: dict[int, FloatArray], mean: dict[int, float], drop: float
) -> Mouth:
    parted = min(1.0, mean[25] * 1.5)
    rest = 1.04 + identity.shape["mouth_height"]
    rest -= _CHIN_RAISE * mean[17] * (1 - min(1.0, mean[25]))
    corners = _corners(identity, units, rest, drop)
    open_by = mean[25] * (0.035 + 0.07 * mean[12] + 0.06 * mean[10])
    top = rest - 0.085 * mean[10] - 0.055 * mean[9] - 0.03 * mean[17] - 0.4 * open_by
    top += 0.02 * mean[12]
    bottom = top + open_by + drop + 0.10 * mean[16] * parted
    fullness = _fullness(identity, mean, drop)
    x = np.where(_MOUTH < 0, -_MOUTH * corners[0, 0], _MOUTH * corners[1, 0])
    ends = np.where(_MOUTH < 0, corners[0, 1], corners[1, 1])
    square = min(1.0, max(mean[20], mean[16]) * parted)
    upper_power = 1.9 + 3.0 * min(1.0, max(mean[20] * mean[25], mean[10]))
    upper_in = top + (ends - top) * _ABS_MOUTH**upper_power - 0.055 * mean[10] * _SQUARE
    lower_in = bottom + (ends - bottom) * _ABS_MOUTH ** (2.0 + 3.0 * square)
    lower_in = np.maximum(lower_in, upper_in)
    upper_lip = 0.085 * fullness * _CUPID * (1 - _ABS_MOUTH**2.0) ** 0.9
    lower_lip = 0.115 * fullness * (1 - _ABS_MOUTH**2.4)

    def curve(y: NDArray[np.floating]) -> FloatArray:
        return np.stack((x, y), axis=1).astype(np.float32)

    return Mouth(
        upper_outer=curve(upper_in - upper_lip),
        upper_inner=curve(upper_in),
        lower_inner=curve(lower_in),
        lower_outer=curve(lower_in + lower_lip),
        corners=corners,
        gap=float(bottom - top),
    )


def lay_out(identity: Identity, expression: FloatArray) -> Layout:
    """Place all features of a person showing an expression.

    Parameters
    ----------
    identity
        Who.
    expression
        Action unit intensities (2, 20) as `draw_expression` returns them.
    """
    units = {unit: expression[:, index] for index, unit in enumerate(UNITS)}
    mean = dict(zip(UNITS, expression.mean(axis=0).tolist(), strict=True))
    drop = _JAW_TRAVEL * mean[26]
    raised = _CHIN_RAISE * mean[17]
    wrinkle = mean[9]
    return Layout(
        units=units,
        mean=mean,
        eyes=_eyes(identity, units),
        brows=_brows(identity, units),
        mouth=_mouth(identity, units, mean, drop),
        jaw_drop=drop - raised,
        nose_tip=0.56 + identity.shape["nose_length"] - 0.08 * wrinkle,
        nose_base=0.70 + identity.shape["nose_length"] - 0.06 * wrinkle,
        nose_width=0.17 * (1 + identity.shape["nose_width"]) * (1.04 if identity.is_male else 0.94),
        bow=_BOW * mean[54],
    )
