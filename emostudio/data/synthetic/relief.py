"""What stands out of the skull: nose, sockets, lips, cheeks, ears, hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.identity import Identity
from emostudio.data.synthetic.layout import Layout
from emostudio.data.synthetic.skull import FRONT_RADIUS, Chart

FloatArray = NDArray[np.float32]
Bump = tuple[float, float, float, float, float, float]
"""Height, angle, angular sigma, y, sigma above, sigma below."""

_EAR_ANGLE = 1.62


def _nose(identity: Identity, layout: Layout) -> list[Bump]:
    shape = identity.shape
    out = (1 + shape["nose_projection"]) * (1.04 if identity.is_male else 0.94)
    wide = layout.nose_width / 0.17
    tip = layout.nose_tip
    wing = layout.nose_width / FRONT_RADIUS
    wing_y = layout.nose_base - 0.10
    return [
        (0.05 * out, 0.0, 0.085, 0.10, 0.14, 0.12),
        (0.11 * out, 0.0, 0.085 * wide, 0.27, 0.13, 0.12),
        (0.14 * out, 0.0, 0.09 * wide, tip - 0.13, 0.13, 0.10),
        (0.22 * out, 0.0, 0.105 * wide, tip, 0.13, 0.075),
        (0.14, -wing * 0.95, 0.062, wing_y, 0.07, 0.055),
        (0.14, wing * 0.95, 0.062, wing_y, 0.07, 0.055),
    ]


def _sided(identity: Identity, layout: Layout, side: int) -> list[Bump]:
    sign = (-1.0, 1.0)[side]
    units = layout.units
    eye = (0.5 + identity.shape["eye_distance"]) / FRONT_RADIUS * 1.06
    lifted = float(units[6][side])
    smile = float(units[12][side])
    brow = layout.brows.lower[side, :, 1]
    dent = float(units[14][side])
    corner_x, corner_y = layout.mouth.corners[side]
    bumps = [
        (-0.13, sign * eye, 0.17, 0.0, 0.15, 0.15),
        (-0.08, sign * 0.185, 0.06, 0.03, 0.08, 0.09),
        (0.075, sign * eye, 0.125, 0.0, 0.10, 0.10),
        (0.05, sign * 0.34, 0.22, float(brow[3]) + 0.02, 0.09, 0.07),
        (0.03, sign * 0.48, 0.2, 0.45, 0.2, 0.22),
        (0.10 * lifted + 0.07 * smile, sign * 0.40, 0.16, 0.45 - 0.06 * lifted, 0.11, 0.16),
        (-0.05, sign * 0.74, 0.14, 0.95, 0.25, 0.25),
        (0.16 * (1 + identity.shape["ear"]), sign * _EAR_ANGLE, 0.09, 0.12, 0.2, 0.24),
    ]
    if dent > 0.1:
        angle = float(corner_x) / FRONT_RADIUS * 1.1
        bumps.append((-0.07 * dent, angle, 0.05, float(corner_y), 0.06, 0.06))
    return bumps


def _mouth_and_chin(layout: Layout) -> list[Bump]:
    mouth = layout.mouth
    upper = float(mouth.upper_outer[12, 1] + mouth.upper_inner[12, 1]) / 2
    lower = float(mouth.lower_outer[12, 1] + mouth.lower_inner[12, 1]) / 2
    thick = max(0.03, float(mouth.lower_outer[12, 1] - mouth.lower_inner[12, 1]) * 0.45)
    bumps = [
        (0.07, 0.0, 0.19, upper, 0.055, 0.045),
        (0.08, 0.0, 0.17, lower, thick, thick),
        (-0.06, 0.0, 0.17, lower + 0.15, 0.055, 0.07),
        (0.05, 0.0, 0.17, 1.56 + layout.jaw_drop, 0.11, 0.13),
        (-0.03, 0.0, 0.035, upper - 0.15, 0.07, 0.05),
        (-0.03, 0.0, 0.14, -0.18, 0.07, 0.1),
    ]
    if mouth.gap > 0.05:
        middle = (upper + lower) / 2
        bumps.append((-0.05, 0.0, 0.13, middle, mouth.gap * 0.4, mouth.gap * 0.4))
    return bumps


def relief(chart: Chart, identity: Identity, layout: Layout) -> FloatArray:
    """Return what the features add to the radius, shape (rows, columns)."""
    bumps = np.array(
        _nose(identity, layout)
        + _sided(identity, layout, 0)
        + _sided(identity, layout, 1)
        + _mouth_and_chin(layout),
        np.float32,
    )
    height, angle, spread, y, above, below = (column[:, None] for column in bumps.T)
    across = np.exp(-0.5 * ((chart.angles - angle) / spread) ** 2)
    offset = chart.heights - y
    along = height * np.exp(-0.5 * (offset / np.where(offset < 0, above, below)) ** 2)
    field: FloatArray = along.T.astype(np.float32) @ across.astype(np.float32)
    return field
