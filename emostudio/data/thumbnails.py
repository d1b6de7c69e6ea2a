"""Small pictures for people to look at."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

_LONGEST = 128


def thumbnail_png(pixels: NDArray[np.uint8]) -> str:
    """Return a picture, made smaller where it is large, as PNG in base64.

    Parameters
    ----------
    pixels
        RGB or grey, uint8 (H, W, C).
    """
    longest = max(pixels.shape[:2])
    if longest > _LONGEST:
        height, width = (max(1, round(side * _LONGEST / longest)) for side in pixels.shape[:2])
        small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        pixels = small.reshape(height, width, -1).astype(np.uint8)
    # OpenCV stores BGR
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels[:, :, ::-1]))
    return base64.b64encode(encoded.tobytes()).decode("ascii")
