"""A painted and shaded head, ready to be looked at from any side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.complexion import Complexion, complexion
from emostudio.data.synthetic.creases import CREASE, SOFT, add_creases
from emostudio.data.synthetic.features import PAINT, add_features, paint_eyes
from emostudio.data.synthetic.identity import Identity
from emostudio.data.synthetic.layout import Layout, lay_out
from emostudio.data.synthetic.outlines import HANGING
from emostudio.data.synthetic.relief import relief
from emostudio.data.synthetic.shading import NEUTRAL, Light, shade
from emostudio.data.synthetic.skull import Chart, Skull, make_chart, make_skull
from emostudio.data.synthetic.strokes import ByteArray, DisplayList

FloatArray = NDArray[np.float32]

_CURTAIN_WIDTH, _CURTAIN_DEPTH, _CURTAIN_AXIS = 1.36, 1.5, -0.12


@dataclass(frozen=True)
class Head:
    """The surface of one head.

    Attributes
    ----------
    painting
        Shaded colours, uint8 (H, W, 3) RGB; columns are angles, rows are heights.
    surface
        Positions (rows, columns, 3) of the lattice of half that size.
    """

    identity: Identity
    layout: Layout
    chart: Chart
    painting: ByteArray
    surface: FloatArray
    chin: float


@lru_cache(maxsize=1)
def _warm_shadow() -> ByteArray:
    """Shade to colour factors: shadows on skin lose blue first."""
    value = np.arange(256, dtype=np.float32) / NEUTRAL
    dark = np.minimum(value, 1.0)
    table = np.stack((dark**0.86, dark**1.04, dark**1.10), axis=1) * np.maximum(value, 1.0)[:, None]
    return np.clip(table * NEUTRAL, 0, 255).astype(np.uint8).reshape(1, 256, 3)


def _hanging_hair(skull: Skull, radius: FloatArray, skin: Complexion) -> FloatArray:
    """Push hair that hangs free out to an upright curtain around the head."""
    chart = skull.chart
    forward = skull.axis[:, None] - np.float32(_CURTAIN_AXIS)
    a2, b2 = np.float32(_CURTAIN_WIDTH**-2), np.float32(_CURTAIN_DEPTH**-2)
    quadratic = a2 * chart.sine**2 + b2 * chart.cosine**2
    linear = b2 * forward * chart.cosine
    rest = b2 * forward**2 - 1
    root = np.sqrt(np.maximum(linear**2 - quadratic * rest, 0))
    reach = (root - linear) / quadratic
    below = np.clip((chart.heights + 0.9) / 0.7, 0, 1)[:, None]
    push = np.maximum(reach - radius, 0) * below * skin.hair**4
    return np.asarray(radius + cv2.blur(push.astype(np.float32), (3, 3)), np.float32)


def _shade_painting(
    painting: ByteArray, strokes: DisplayList, skin: Complexion, light: tuple[ByteArray, ByteArray]
) -> ByteArray:
    multiplier, gloss = light
    scale = strokes.scale
    size = (painting.shape[1], painting.shape[0])
    soft = np.full(multiplier.shape, 255, np.uint8)
    strokes.draw(SOFT, soft, shrink=2)
    wide = max(3, round(0.10 * scale / 2) | 1)
    soft = cv2.blur(cv2.blur(soft, (wide, wide)), (wide, wide))
    multiplier = cv2.multiply(multiplier, soft, scale=1 / 255)
    multiplier = cv2.multiply(multiplier, skin.shadow, scale=1 / 255)
    crease = np.full(painting.shape[:2], 255, np.uint8)
    strokes.draw(CREASE, crease)
    narrow = max(3, round(0.035 * scale) | 1)
    crease = cv2.max(cv2.blur(crease, (narrow, narrow)), skin.hair_mask)
    full = cv2.multiply(cv2.resize(multiplier, size), crease, scale=1 / 255)
    tinted = cv2.LUT(cv2.cvtColor(full, cv2.COLOR_GRAY2RGB), _warm_shadow())
    shaded = cv2.multiply(painting, tinted, scale=1 / NEUTRAL)
    shine = cv2.cvtColor(cv2.resize(gloss, size), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.add(shaded, shine), np.uint8)


def paint_head(
    identity: Identity, expression: FloatArray, gaze: float, scale: float, light: Light
) -> Head:
    """Paint and shade a head all around, once for any number of cameras.

    Parameters
    ----------
    identity
        Who.
    expression
        Action units (2, 20).
    gaze
        Iris travel: -1 left in the image, 0 straight ahead, 1 right.
    scale
        Painting rows per inter-ocular distance.
    light
        The lamp.
    """
    chart = make_chart(scale)
    layout = lay_out(identity, expression)
    skull = make_skull(chart, identity.shape, identity.is_male, layout.jaw_drop)
    skin = complexion(identity, scale)
    strokes = DisplayList()
    add_creases(strokes, identity, layout)
    add_features(strokes, identity, layout, gaze)
    strokes.map_onto(skull)
    painting = skin.painting.copy()
    strokes.draw(PAINT, painting)
    paint_eyes(painting, strokes, identity)
    radius = skull.radius() + relief(chart, identity, layout) + skin.cap
    if identity.hair_style in HANGING:
        radius = _hanging_hair(skull, radius, skin)
    shaded = _shade_painting(painting, strokes, skin, shade(skull, radius, skin.hair, light))
    surface = np.empty((*radius.shape, 3), np.float32)
    surface[..., 0] = radius * chart.sine
    surface[..., 1] = chart.heights[:, None]
    surface[..., 2] = radius * chart.cosine + skull.axis[:, None]
    return Head(identity, layout, chart, shaded, surface, skull.chin)
