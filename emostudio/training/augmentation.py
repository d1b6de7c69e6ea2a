"""Random variations of face crops that depend only on seed, pass and image.

No random state is carried along, so a resumed run sees the same pictures, and the same variation
can be drawn at the input sizes of both teacher and student.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.training.settings import TrainingSettings

_LARGEST_STRETCH = 0.08
_DRAWS = 8
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Variations:
    """How each picture of a batch is varied; lengths and shifts are shares of the picture.

    Attributes
    ----------
    matrices
        Shape (N, 2, 3): from a point of the result to one of the picture, both centred.
    contrast, brightness
        Shape (N,): factor about the middle grey, and shift in grey levels.
    """

    matrices: NDArray[np.float64]
    contrast: NDArray[np.float64]
    brightness: NDArray[np.float64]

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return varied copies of pictures (N, H, W, C) of any size."""
        count, height, width, channels = pixels.shape
        varied = np.empty((count, height, width, channels), dtype=np.uint8)
        size = np.array([width, height], dtype=np.float64)
        centre = (size - 1) / 2
        levels = np.arange(256, dtype=np.float64) - 127.5
        for index in range(count):
            matrix = self.matrices[index].copy()
            matrix[:, :2] *= size[:, None] / size[None, :]
            matrix[:, 2] = matrix[:, 2] * size + centre - matrix[:, :2] @ centre
            warped = cv2.warpAffine(
                np.ascontiguousarray(pixels[index]),
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            shifted = levels * self.contrast[index] + 127.5 + self.brightness[index]
            table = np.clip(np.rint(shifted), 0, 255).astype(np.uint8)
            varied[index] = cv2.LUT(warped, table).reshape(height, width, channels)
        return varied


def draw_variations(
    settings: TrainingSettings, seed: int, epoch: int, items: NDArray[np.int64]
) -> Variations:
    """Draw how the pictures `items` are varied in pass `epoch`.

    Parameters
    ----------
    settings
        Ranges of the variations.
    seed, epoch, items
        All that the result depends on; items are places in the dataset, shape (N,).
    """
    draws = uniform_draws(seed, epoch, items, _DRAWS)
    signed = 2.0 * draws - 1.0
    area = 1.0 - draws[:, 0] * (1.0 - settings.crop_area)
    stretch = 1.0 + signed[:, 1] * (_LARGEST_STRETCH if settings.crop_area < 1.0 else 0.0)
    width = np.minimum(np.sqrt(area * stretch), 1.0)
    height = np.minimum(np.sqrt(area / stretch), 1.0)
    angle = np.deg2rad(signed[:, 2] * settings.rotation_degrees)
    mirror = np.where((draws[:, 3] < 0.5) & settings.flip, -1.0, 1.0)
    matrices = np.empty((len(items), 2, 3))
    matrices[:, 0, 0] = np.cos(angle) * width * mirror
    matrices[:, 0, 1] = -np.sin(angle) * height
    matrices[:, 1, 0] = np.sin(angle) * width * mirror
    matrices[:, 1, 1] = np.cos(angle) * height
    matrices[:, 0, 2] = signed[:, 4] * (1.0 - width) / 2
    matrices[:, 1, 2] = signed[:, 5] * (1.0 - height) / 2
    return Variations(
        matrices=matrices,
        contrast=1.0 + signed[:, 6] * settings.brightness,
        brightness=signed[:, 7] * settings.brightness * 127.5,
    )


def uniform_draws(
    seed: int, epoch: int, items: NDArray[np.int64], draws: int
) -> NDArray[np.float64]:
    """Return numbers in [0, 1), shape (N, `draws`), that depend on the arguments alone.

    References
    ----------
    .. [1] Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    key = np.array([seed % 2**64], dtype=np.uint64)
    key = _mixed(_mixed(key) + np.array([epoch], dtype=np.uint64))
    keys = _mixed(key + items.astype(np.uint64))
    counters = np.arange(1, draws + 1, dtype=np.uint64) * _GOLDEN
    mixed = _mixed(keys[:, None] + counters[None, :])
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed
