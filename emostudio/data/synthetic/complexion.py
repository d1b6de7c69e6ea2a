"""Skin, hair and beard: the part of a painting that stays the same for a person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.identity import Identity
from emostudio.data.synthetic.outlines import (
    BEARD,
    HAIR_THICKNESS,
    HANGING,
    MOUSTACHE,
    Outline,
    hair_outline,
)
from emostudio.data.synthetic.skull import BOTTOM, TOP, Chart, make_chart
from emostudio.data.synthetic.strokes import fill, fixed_point

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

_BANK_SEED, _BANK_SIDE = 0xBA2C, 512
_UNIT = 128
_SHADOW, _SHADOW_HANGING = 0.3, 0.8
_CIRCUMFERENCE = 8.9


@dataclass(frozen=True)
class Complexion:
    """Painting (H, W, 3) without features, its hair mask (H, W); the rest is on the lattice.

    Attributes
    ----------
    hair
        Share of hair in [0, 1].
    cap
        Height of the hair over the skull in inter-ocular distances.
    shadow
        What the hair leaves of the light on the skin beside it, 255 is all.
    """

    painting: ByteArray
    hair_mask: ByteArray
    hair: FloatArray
    cap: FloatArray
    shadow: ByteArray


@lru_cache(maxsize=1)
def _bank() -> FloatArray:
    random = np.random.default_rng(_BANK_SEED)
    return random.standard_normal((_BANK_SIDE, _BANK_SIDE), np.float32)


def _noise(random: np.random.Generator, chart: Chart, cells: tuple[float, float]) -> FloatArray:
    """Smooth noise over the painting; `cells` are lengths of a grain down and across."""
    rows = max(2, round((BOTTOM - TOP) / cells[0]))
    columns = max(2, round(_CIRCUMFERENCE / cells[1]))
    top, left = random.integers(0, (_BANK_SIDE - rows, _BANK_SIDE - columns)).tolist()
    grid = _bank()[top : top + rows, left : left + columns].copy()
    grid[:, -1] = grid[:, 0]
    return np.asarray(
        cv2.resize(grid, (chart.width, chart.height), interpolation=cv2.INTER_LINEAR), np.float32
    )


def _mask(chart: Chart, outline: Outline, soft: float) -> FloatArray:
    points = np.array(outline, np.float32)
    scale = np.array((chart.width / (2 * np.pi), chart.height / (BOTTOM - TOP)), np.float32)
    offset = np.array((chart.width / 2, -TOP * scale[1]), np.float32)
    image = np.zeros((chart.height, chart.width), np.uint8)
    fill(image, fixed_point(points * scale + offset), (255,))
    sigma = max(0.3, soft * chart.scale)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma) * np.float32(1 / 255), np.float32)


def _spots(chart: Chart, spots: tuple[tuple[float, float, float, float, float], ...]) -> FloatArray:
    """Sum of soft spots (angle, y, angular sigma, sigma, strength) on the lattice."""
    angle, y, across, along, strength = (
        column[:, None] for column in np.array(spots, np.float32).T
    )
    columns = np.exp(-0.5 * ((chart.angles - angle) / across) ** 2)
    rows = strength * np.exp(-0.5 * ((chart.heights - y) / along) ** 2)
    return np.asarray(rows.T @ columns, np.float32)


def _skin(identity: Identity, chart: Chart, random: np.random.Generator) -> ByteArray:
    blush = _spots(
        chart,
        (
            (-0.46, 0.5, 0.2, 0.2, 1.0), (0.46, 0.5, 0.2, 0.2, 1.0), (0.0, 0.56, 0.12, 0.12, 0.7),
            (0.0, 1.55, 0.25, 0.18, 0.35), (-1.62, 0.1, 0.15, 0.3, 1.0),
            (1.62, 0.1, 0.15, 0.3, 1.0),
        ),
    )  # fmt: skip
    tired = _spots(chart, ((-0.38, 0.17, 0.14, 0.07, 1.0), (0.38, 0.17, 0.14, 0.07, 1.0)))
    size = (chart.width, chart.height)
    bright = 1.0 - tired * np.float32(0.05 + 0.09 * identity.age)
    red = np.float32(identity.blush) * blush[..., None] * np.array((0.02, 0.14, 0.13), np.float32)
    small = np.array(identity.skin, np.float32) * bright[..., None] * (1 - red)
    tint = cv2.resize(cv2.convertScaleAbs(small), size)
    mottle = _noise(random, chart, (0.35, 0.35)) + _noise(random, chart, (0.1, 0.1))
    grain = _noise(random, chart, (0.035, 0.035)) * np.float32(1.1 + 1.1 * identity.age) + mottle
    tone = cv2.convertScaleAbs(1.0 + np.float32(0.012) * grain, alpha=_UNIT)
    return np.asarray(
        cv2.multiply(tint, cv2.cvtColor(tone, cv2.COLOR_GRAY2RGB), scale=1 / _UNIT), np.uint8
    )


def _strands(identity: Identity, chart: Chart, random: np.random.Generator) -> ByteArray:
    strands = _noise(random, chart, (1.1, 0.045)) * np.float32(0.20)
    strands += _noise(random, chart, (0.6, 0.11)) * np.float32(0.12)
    rows = TOP + (np.arange(chart.height, dtype=np.float32) + 0.5) / np.float32(chart.scale)
    shine = np.exp(-0.5 * ((rows + 1.25) / 0.22) ** 2)[:, None] * 0.35
    roots = np.clip((rows + 0.2) * -0.12, -0.15, 0.1)[:, None]
    light = np.clip(strands * (1 + shine * 1.5) + (1.0 + shine + roots), 0.4, 1.9)
    levels = np.arange(256, dtype=np.float32)[:, None] / _UNIT
    table = np.clip(levels * (np.array(identity.hair, np.float32) + 7.0), 0, 255)
    grey = cv2.cvtColor(cv2.convertScaleAbs(light, alpha=_UNIT), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.LUT(grey, table.astype(np.uint8).reshape(1, 256, 3)), np.uint8)


def _blend(below: ByteArray, above: ByteArray, share: FloatArray) -> ByteArray:
    return np.asarray(cv2.blendLinear(above, below, share, 1 - share), np.uint8)


def _add_beard(
    identity: Identity, chart: Chart, painting: ByteArray, random: np.random.Generator
) -> ByteArray:
    density = _mask(chart, BEARD, 0.09) * np.float32(0.10)
    if identity.beard or identity.moustache:
        grain = np.clip(0.82 + 0.3 * _noise(random, chart, (0.09, 0.03)), 0, 1)
        full = _mask(chart, BEARD, 0.06) * np.float32(identity.beard)
        full = np.maximum(full, _mask(chart, MOUSTACHE, 0.03) * np.float32(identity.moustache))
        density = np.maximum(density, full * grain * np.float32(0.45 + 0.4 * identity.beard))
    colour = np.empty_like(painting)
    colour[:] = np.clip(np.array(identity.hair) * 0.8 + (12, 12, 14), 0, 255).astype(np.uint8)
    return _blend(painting, colour, density)


@lru_cache(maxsize=8)
def complexion(identity: Identity, scale: float) -> Complexion:
    """Return a person's skin and hair, painted once and remembered.

    Parameters
    ----------
    identity
        Who.
    scale
        Painting rows per inter-ocular distance, see `make_chart`.
    """
    chart = make_chart(scale)
    random = np.random.default_rng(identity.texture_seed)
    painting = _skin(identity, chart, random)
    if identity.is_male:
        painting = _add_beard(identity, chart, painting, random)
    hair = _mask(chart, hair_outline(identity), 0.018)
    fray = np.clip(hair + _noise(random, chart, (0.2, 0.05)) * np.float32(0.16), 0, 1)
    share = np.where((hair > 0.04) & (hair < 0.96), fray, hair)
    if identity.hair_style == "bald":
        share *= np.float32(0.75)
    painting = _blend(painting, _strands(identity, chart, random), share)
    size = (len(chart.angles), len(chart.heights))
    lattice = np.asarray(cv2.resize(hair, size, interpolation=cv2.INTER_AREA), np.float32)
    thickness = HAIR_THICKNESS[identity.hair_style] * random.uniform(0.8, 1.25)
    cap = cv2.GaussianBlur(lattice, (0, 0), 0.025 * scale) * np.float32(thickness)
    wide = max(3, round(0.16 * scale) | 1)
    near = cv2.blur(lattice, (wide, wide)) * (1 - lattice)
    depth = _SHADOW_HANGING if identity.hair_style in HANGING else _SHADOW
    shadow = cv2.convertScaleAbs(1 - np.float32(depth) * near, alpha=255)
    return Complexion(painting, cv2.convertScaleAbs(hair, alpha=255), lattice, cap, shadow)
