"""Skin, hair and beard: the part of a painting that stays the same for a person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.identity import Identity
from emostudio.data.synthetic.skull import BOTTOM, TOP, Chart, make_chart
from emostudio.data.synthetic.strokes import fill, fixed_point

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

_SHORT = (
    (0, -1.03),
    (0.3, -1.02),
    (0.62, -0.92),
    (0.82, -0.7),
    (0.95, -0.36),
    (1.18, -0.2),
    (1.24, 0.2),
    (1.42, 0.24),
    (1.5, -0.14),
    (1.76, -0.1),
    (1.86, 0.45),
    (2.3, 0.85),
    (3.3, 0.9),
)
_RECEDING = (
    (0, -1.08),
    (0.25, -1.05),
    (0.5, -1.3),
    (0.78, -0.95),
    (0.98, -0.45),
    (1.18, -0.25),
    (1.25, 0.1),
    (1.42, 0.12),
    (1.5, -0.14),
    (1.76, -0.1),
    (1.86, 0.45),
    (2.3, 0.85),
    (3.3, 0.9),
)
_FRINGE = (
    (0, -0.56),
    (0.35, -0.53),
    (0.72, -0.5),
    (0.85, -0.4),
    (0.98, 0.1),
    (1.2, 0.4),
    (1.45, 0.5),
    (1.7, 0.55),
    (1.9, 0.8),
    (3.3, 1.0),
)
_BOB = (
    (0, -1.1),
    (0.2, -1.02),
    (0.5, -0.84),
    (0.74, -0.5),
    (0.9, 0.0),
    (1.0, 0.6),
    (1.1, 1.2),
    (1.2, 1.75),
    (3.3, 1.75),
)
_LONG = (
    (0, -1.16),
    (0.15, -1.08),
    (0.45, -0.9),
    (0.7, -0.6),
    (0.88, -0.1),
    (0.98, 0.6),
    (1.05, 1.3),
    (1.1, 2.3),
    (3.3, 2.3),
)
_BALD = (
    (0, -2.2),
    (1.05, -2.2),
    (1.1, -0.4),
    (1.24, -0.2),
    (1.3, 0.1),
    (1.42, 0.12),
    (1.5, -0.14),
    (1.76, -0.1),
    (1.86, 0.45),
    (2.3, 0.85),
    (3.3, 0.9),
)
_HAIRLINES = {
    "short": _SHORT, "parted": _RECEDING, "fringe": _FRINGE, "bob": _BOB, "long": _LONG,
    "bald": _BALD,
}  # fmt: skip
_CAPS = {"short": 0.07, "parted": 0.1, "fringe": 0.12, "bob": 0.13, "long": 0.14, "bald": 0.03}
_BEARD = (
    (-1.3, 0.2),
    (-1.16, 0.3),
    (-0.98, 0.72),
    (-0.66, 0.92),
    (-0.4, 1.0),
    (0.4, 1.0),
    (0.66, 0.92),
    (0.98, 0.72),
    (1.16, 0.3),
    (1.3, 0.2),
    (1.45, 0.7),
    (1.4, 1.6),
    (0.9, 2.4),
    (-0.9, 2.4),
    (-1.4, 1.6),
    (-1.45, 0.7),
)
_MOUSTACHE = (
    (-0.36, 1.05),
    (-0.3, 0.88),
    (-0.1, 0.79),
    (0, 0.81),
    (0.1, 0.79),
    (0.3, 0.88),
    (0.36, 1.05),
    (0.0, 0.95),
)
HANGING = frozenset({"bob", "long"})
"""Styles whose hair hangs free of the skull."""


@dataclass(frozen=True)
class Complexion:
    """Painting (H, W, 3) without features, its hair mask (H, W); hair and cap on the lattice."""

    painting: ByteArray
    hair: FloatArray
    hair_mask: ByteArray
    cap: FloatArray


def _noise(random: np.random.Generator, chart: Chart, cells: tuple[float, float]) -> FloatArray:
    """Smooth noise over the painting; `cells` are lengths of a grain down and across."""
    rows = max(2, round((BOTTOM - TOP) / cells[0]))
    columns = max(2, round(8.9 / cells[1]))
    grid = random.standard_normal((rows, columns), np.float32)
    grid[:, -1] = grid[:, 0]
    field: FloatArray = cv2.resize(grid, (chart.width, chart.height), interpolation=cv2.INTER_CUBIC)
    return field


def _mask(chart: Chart, outline: tuple[tuple[float, float], ...], soft: float) -> FloatArray:
    points = np.array(outline, np.float32)
    scale = np.array((chart.width / (2 * np.pi), chart.height / (BOTTOM - TOP)), np.float32)
    offset = np.array((chart.width / 2, -TOP * scale[1]), np.float32)
    image = np.zeros((chart.height, chart.width), np.uint8)
    fill(image, fixed_point(points * scale + offset), (255,))
    sigma = soft * chart.scale
    return cv2.GaussianBlur(image, (0, 0), max(0.3, sigma)).astype(np.float32) / 255.0


def _hair_outline(identity: Identity) -> tuple[tuple[float, float], ...]:
    line = _HAIRLINES[identity.hair_style]
    lift = identity.shape["hairline"] - (0.12 * identity.age if identity.is_male else 0.0)
    right = [(angle, y + lift * (angle < 0.9)) for angle, y in line]
    left = [(-angle, y) for angle, y in reversed(right)]
    if identity.hair_style == "parted":
        left = [(angle - 0.06, y + 0.06 * (angle > -0.8)) for angle, y in left]
    return tuple([*left, *right, (3.4, -2.6), (-3.4, -2.6)])


def _gauss(chart: Chart, angle: float, y: float, spread: tuple[float, float]) -> FloatArray:
    across = np.exp(-0.5 * ((chart.angles - angle) / spread[0]) ** 2)
    along = np.exp(-0.5 * ((chart.heights - y) / spread[1]) ** 2)
    return (along[:, None] * across).astype(np.float32)


def _skin(identity: Identity, chart: Chart, random: np.random.Generator) -> FloatArray:
    base = np.array(identity.skin, np.float32)
    blush = sum(
        (_gauss(chart, angle, y, spread) * share)
        for angle, y, spread, share in (
            (-0.46, 0.5, (0.2, 0.2), 1.0), (0.46, 0.5, (0.2, 0.2), 1.0),
            (0.0, 0.56, (0.12, 0.12), 0.7), (0.0, 1.55, (0.25, 0.18), 0.35),
            (-1.62, 0.1, (0.15, 0.3), 1.0), (1.62, 0.1, (0.15, 0.3), 1.0),
        )
    )  # fmt: skip
    tired = _gauss(chart, -0.38, 0.17, (0.14, 0.07)) + _gauss(chart, 0.38, 0.17, (0.14, 0.07))
    size = (chart.width, chart.height)
    red = cv2.resize(np.asarray(blush, np.float32), size)[..., None] * identity.blush
    dark = cv2.resize(tired.astype(np.float32), size)[..., None] * (0.05 + 0.09 * identity.age)
    mottle = _noise(random, chart, (0.35, 0.35)) * 0.012 + _noise(random, chart, (0.1, 0.1)) * 0.012
    grain = _noise(random, chart, (0.035, 0.035)) * (0.012 + 0.012 * identity.age)
    tone = 1.0 + (mottle + grain)[..., None] - dark
    colour = base * tone
    return colour * (1 - red * np.array((0.02, 0.14, 0.13), np.float32))


def _hair_colour(identity: Identity, chart: Chart, random: np.random.Generator) -> FloatArray:
    strands = _noise(random, chart, (1.1, 0.045)) * 0.20 + _noise(random, chart, (0.6, 0.11)) * 0.12
    rows = TOP + (np.arange(chart.height, dtype=np.float32) + 0.5) / chart.scale
    shine = np.exp(-0.5 * ((rows + 1.25) / 0.22) ** 2)[:, None] * 0.35
    roots = np.clip((rows + 0.2) * -0.12, -0.15, 0.1)[:, None]
    light = np.clip(1.0 + strands * (1 + shine * 1.5) + shine + roots, 0.4, 1.9)
    base = np.array(identity.hair, np.float32) + 7.0
    return base * light[..., None].astype(np.float32)


def _add_beard(
    identity: Identity, chart: Chart, painting: FloatArray, random: np.random.Generator
) -> FloatArray:
    grain = np.clip(0.75 + 0.5 * _noise(random, chart, (0.05, 0.03)), 0, 1)
    density = _mask(chart, _BEARD, 0.06) * identity.beard
    density = np.maximum(density, _mask(chart, _MOUSTACHE, 0.03) * identity.moustache)
    density = density * grain * (0.45 + 0.4 * identity.beard)
    if identity.is_male:
        density = np.maximum(density, _mask(chart, _BEARD, 0.09) * 0.10)
    colour = np.array(identity.hair, np.float32) * 0.8 + np.array((12, 12, 14), np.float32)
    return painting + (colour - painting) * density[..., None]


def _paint(identity: Identity, chart: Chart) -> Complexion:
    random = np.random.default_rng(identity.texture_seed)
    painting = _skin(identity, chart, random)
    if identity.is_male:
        painting = _add_beard(identity, chart, painting, random)
    hair = _mask(chart, _hair_outline(identity), 0.018)
    ragged = np.clip(hair + _noise(random, chart, (0.2, 0.05)) * 0.16 * (hair > 0.02), 0, 1)
    ragged = np.where((hair > 0.04) & (hair < 0.96), ragged, hair)
    shaved = 0.75 if identity.hair_style == "bald" else 1.0
    strands = _hair_colour(identity, chart, random)
    painting = painting + (strands - painting) * (ragged * shaved)[..., None]
    size = (len(chart.angles), len(chart.heights))
    lattice_hair = cv2.resize(hair, size, interpolation=cv2.INTER_AREA)
    thickness = cv2.GaussianBlur(lattice_hair, (0, 0), 0.05 * chart.scale / 2)
    cap = thickness * np.float32(_CAPS[identity.hair_style] * random.uniform(0.8, 1.25))
    return Complexion(
        cv2.convertScaleAbs(painting), lattice_hair, cv2.convertScaleAbs(hair, alpha=255), cap
    )


@lru_cache(maxsize=24)
def complexion(identity: Identity, scale: float) -> Complexion:
    """Return a person's skin and hair, painted once and remembered.

    Parameters
    ----------
    identity
        Who.
    scale
        Painting rows per inter-ocular distance, see `make_chart`.
    """
    return _paint(identity, make_chart(scale))
