"""The only preprocessing there is: picture to input pixels to network input.

Training, evaluation, benchmarks and the live view call these functions and no others, so the same
picture gives the same bits everywhere.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.model_info import Preprocessing
from emostudio.data.mapped_lbp import mapped_lbp

MAX_SIDE = 256
"""Longest side in pixels of a cached picture; larger ones are shrunk first, in every path."""


def fit_within(image: NDArray[np.uint8], side: int = MAX_SIDE) -> NDArray[np.uint8]:
    """Shrink a picture so that no side is longer than `side`; smaller ones are returned as is.

    Parameters
    ----------
    image
        Shape (H, W, C) or (H, W).
    side
        Longest allowed side in pixels.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest <= side:
        return image
    size = (max(1, round(width * side / longest)), max(1, round(height * side / longest)))
    return _with_channels(cv2.resize(image, size, interpolation=cv2.INTER_AREA), image.ndim)


def central_square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest square in the middle of a picture (H, W, C), as a copy."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def to_input_pixels(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Resize a picture to a model's input, give it the model's channels and transform it.

    Parameters
    ----------
    image
        Shape (H, W), (H, W, 1) or (H, W, 3) RGB.
    preprocessing
        The model's input geometry, channels and transform.

    Returns
    -------
    Shape (height, width, channels); a copy only where something had to change.
    """
    resized = _resized(image, preprocessing)
    if preprocessing.channel_order == "bgr":
        resized = resized[:, :, ::-1]
    return np.ascontiguousarray(transformed(resized[np.newaxis], preprocessing)[0])


def transformed(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Put pictures of a model's size through its transform, the last thing before scaling.

    Parameters
    ----------
    pixels
        Shape (N, H, W, C), as `to_input_pixels` makes them for a model without a transform.
    preprocessing
        The model's.

    Returns
    -------
    The same shape; the same array if there is nothing to do.
    """
    if preprocessing.transform == "none":
        return pixels
    return np.stack([mapped_lbp(picture) for picture in pixels])


def _resized(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    image = fit_within(image)
    if preprocessing.channels == 1 and image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, np.newaxis]
    height, width = preprocessing.height, preprocessing.width
    side = preprocessing.resize
    image = _at_size(image, *((side, side) if side else (height, width)))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    image = image[top : top + height, left : left + width]
    if preprocessing.channels == 3 and image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return image


def _at_size(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    if image.shape[:2] == (height, width):
        return image
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return _with_channels(cv2.resize(image, (width, height), interpolation=method), 3)


def normalise(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Turn input pixels into network input: scale, offset, mean and standard deviation.

    Parameters
    ----------
    pixels
        Shape (N, H, W, C), as `to_input_pixels` makes them.
    preprocessing
        The model's arithmetic.

    Returns
    -------
    Shape (N, C, H, W).
    """
    channels = pixels.shape[3]
    table = _levels(preprocessing, channels)
    out = np.empty((pixels.shape[0], channels, *pixels.shape[1:3]), dtype=np.float32)
    for channel in range(channels):
        # mode "clip" writes straight into out; the default would go through a buffer
        np.take(table[channel], pixels[:, :, :, channel], out=out[:, channel], mode="clip")
    return out


def _levels(preprocessing: Preprocessing, channels: int) -> NDArray[np.float32]:
    """Network input of each of the 256 grey levels, per channel: exact and fast."""
    levels = np.arange(256, dtype=np.float64) * preprocessing.scale + preprocessing.offset
    mean = np.broadcast_to(np.asarray(preprocessing.mean, dtype=np.float64), (channels,))
    std = np.broadcast_to(np.asarray(preprocessing.std, dtype=np.float64), (channels,))
    return ((levels[np.newaxis] - mean[:, np.newaxis]) / std[:, np.newaxis]).astype(np.float32)


def _with_channels(image: NDArray[np.uint8], dimensions: int) -> NDArray[np.uint8]:
    return image[:, :, np.newaxis] if image.ndim < dimensions else image
