"""Mapped local binary patterns: texture as a picture that a convolutional network can use.

Each pixel gets a code of eight bits, one for each neighbour that is at least as bright. Codes are
names, not numbers: their differences mean nothing. Multidimensional scaling gives each a place in
three dimensions so that similar patterns are close, and these places are the picture's channels.

References
----------
.. [1] Levi and Hassner, "Emotion recognition in the wild via convolutional neural networks and
   mapped binary patterns", ICMI 2015.
.. [2] Ojala, Pietikainen and Maenpaa, "Multiresolution gray-scale and rotation invariant texture
   classification with local binary patterns", IEEE TPAMI 24(7), 2002.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
"""(row, column) of bit 0 to bit 7: once round the pixel, so that a turned pattern is shifted."""

_CODES = 256
_MIDDLE, _REACH = 128, 127


def lbp_codes(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the local binary pattern of each pixel.

    Parameters
    ----------
    grey
        Shape (H, W); pixels at the border see themselves repeated outside.

    Returns
    -------
    Shape (H, W): bit k is set where neighbour k of `NEIGHBOURS` is at least as bright.
    """
    height, width = grey.shape
    wide = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    codes = np.zeros((height, width), dtype=np.uint8)
    for bit, (row, column) in enumerate(NEIGHBOURS):
        neighbour = wide[1 + row : 1 + row + height, 1 + column : 1 + column + width]
        codes |= (neighbour >= grey).astype(np.uint8) << np.uint8(bit)
    return codes


def code_distances() -> NDArray[np.float64]:
    """Return how much work it takes to turn one code into another, shape (256, 256).

    An earth mover's distance: the sum of differences of running bit counts, from whatever bit and
    in whatever direction it is least, because the bits lie on a circle. Levi and Hassner take the
    least over both directions and an added zero; every starting bit makes the distance the same
    for patterns that are turned together.
    """
    bits = (np.arange(_CODES)[:, np.newaxis] >> np.arange(8)) & 1
    least = np.full((_CODES, _CODES), np.inf)
    for direction in (bits, bits[:, ::-1]):
        for start in range(8):
            counts = np.cumsum(np.roll(direction, -start, axis=1), axis=1)
            work = np.abs(counts[:, np.newaxis] - counts[np.newaxis]).sum(axis=2)
            least = np.minimum(least, work)
    return least


def code_places() -> NDArray[np.float64]:
    """Return the place of each code in three dimensions, shape (256, 3).

    Classical multidimensional scaling of `code_distances`. Turning all patterns leaves the
    distances as they are, so the second and third direction are free to turn as well: they are
    fixed by the places of the single bits 0 and 2, and the first by the code of all bits.
    """
    centring = np.eye(_CODES) - 1.0 / _CODES
    inner = -0.5 * centring @ code_distances() ** 2 @ centring
    values, vectors = np.linalg.eigh(inner)
    places: NDArray[np.float64] = vectors[:, :-4:-1] * np.sqrt(values[:-4:-1])
    places[:, 0] *= np.sign(places[-1, 0])
    first, second = places[1, 1:] / np.linalg.norm(places[1, 1:])
    places[:, 1:] = places[:, 1:] @ np.array([[first, -second], [second, first]])
    places[:, 2] *= np.sign(places[4, 2])
    return places


@lru_cache(maxsize=1)
def code_colours() -> NDArray[np.uint8]:
    """Return the grey levels that stand for each code, shape (256, 3); one scale for all axes."""
    places = code_places()
    levels = _MIDDLE + _REACH * places / np.abs(places).max()
    # equal places must not be rounded apart by the last bits of another machine's arithmetic
    rounded: NDArray[np.uint8] = np.rint(np.round(levels, 6)).astype(np.uint8)
    return rounded


def mapped_lbp(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mapped patterns of a picture.

    Parameters
    ----------
    pixels
        Shape (H, W, 1) grey or (H, W, 3) RGB.

    Returns
    -------
    Shape (H, W, 3).
    """
    grey = pixels[:, :, 0] if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return code_colours()[lbp_codes(np.ascontiguousarray(grey))]
