"""A display list: strokes are collected in face coordinates, mapped at once, then drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.skull import Skull

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int32]
Ink = tuple[float, ...]

_SHIFT = 4
_SUBPIXELS = 1 << _SHIFT


def fixed_point(pixels: FloatArray) -> IntArray:
    """Turn pixel positions into OpenCV's fixed point with four fractional bits."""
    return np.rint(pixels * _SUBPIXELS).astype(np.int32)


def fill(image: ByteArray, points: IntArray, ink: Ink) -> None:
    """Fill an anti-aliased polygon of fixed-point pixels."""
    cv2.fillPoly(image, [points], ink, cv2.LINE_AA, _SHIFT)


def stroke(image: ByteArray, points: IntArray, ink: Ink, width_px: float) -> None:
    """Draw an anti-aliased open line through fixed-point pixels."""
    width = max(1, round(width_px))
    cv2.polylines(
        image,
        [points],
        isClosed=False,
        color=ink,
        thickness=width,
        lineType=cv2.LINE_AA,
        shift=_SHIFT,
    )


@dataclass(frozen=True)
class _Stroke:
    layer: int
    start: int
    stop: int
    ink: Ink
    width: float


class DisplayList:
    """Polygons and lines waiting to be mapped onto a head's painting.

    Layers are numbers; each is drawn later, in order of collection, into its own image.
    """

    def __init__(self) -> None:
        self._points: list[FloatArray] = []
        self._strokes: list[_Stroke] = []
        self._count = 0
        self._mapped: IntArray = np.zeros((0, 2), np.int32)
        self.scale = 0.0

    def add(self, layer: int, points: FloatArray, ink: Ink, width: float = 0.0) -> None:
        """Collect a line of `width`, or a filled polygon when `width` is 0."""
        stop = self._count + len(points)
        self._points.append(points)
        self._strokes.append(_Stroke(layer, self._count, stop, ink, width))
        self._count = stop

    def map_onto(self, skull: Skull) -> None:
        """Map all collected points to the painting of `skull`."""
        self.scale = skull.chart.scale
        self._mapped = fixed_point(skull.to_painting(np.concatenate(self._points)))

    def draw(self, layer: int, image: ByteArray, shrink: int = 1) -> None:
        """Draw one layer.

        Parameters
        ----------
        layer
            Which strokes.
        image
            Painting, or an image `shrink` times smaller; changed in place.
        shrink
            How many times smaller than the painting `image` is.
        """
        for item in self._strokes:
            if item.layer != layer:
                continue
            points = self._mapped[item.start : item.stop]
            if shrink > 1:
                points = points // shrink
            if item.width:
                stroke(image, points, item.ink, item.width * self.scale / shrink)
            else:
                fill(image, points, item.ink)

    def inks(self, layer: int) -> list[Ink]:
        """Return the ink of each stroke of a layer."""
        return [item.ink for item in self._strokes if item.layer == layer]

    def mapped(self, layer: int) -> list[IntArray]:
        """Return the fixed-point pixels of each stroke of a layer."""
        return [
            self._mapped[item.start : item.stop] for item in self._strokes if item.layer == layer
        ]
