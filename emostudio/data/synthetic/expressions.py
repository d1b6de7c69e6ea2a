"""Facial action units, and how each emotion is made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import Emotion

FloatArray = NDArray[np.float32]
Ranges = dict[int, tuple[float, float]]

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 20, 23, 24, 25, 26, 43, 54)
"""Numbers of the drawn action units, in the order of expression arrays; 54 bows the head."""

UNIT_INDEX = {unit: index for index, unit in enumerate(UNITS)}

_BROWS_DOWN: Ranges = {2: (0.2, 0.6), 4: (1.05, 1.3), 7: (0.5, 1.0)}
_CRY: Ranges = {1: (0.9, 1.2), 4: (0.4, 0.8), 15: (0.7, 1.1)}
_FRIGHT: Ranges = {1: (0.9, 1.2), 2: (0.0, 0.25), 4: (0.75, 1.1), 5: (0.7, 1.1)}

_VARIANTS: dict[Emotion, tuple[Ranges, ...]] = {
    Emotion.ANGER: (
        _BROWS_DOWN
        | {5: (0, 0.2), 23: (0.5, 1), 24: (0.5, 1), 17: (0.3, 0.7), 9: (0.3, 0.7), 15: (0.6, 1.2)},
        _BROWS_DOWN
        | {5: (0, 0.2), 9: (0.4, 0.8), 10: (0.4, 0.9), 16: (0.6, 1.1), 25: (0.8, 1)}
        | {26: (0.1, 0.4), 15: (0.4, 0.9)},
    ),
    Emotion.DISGUST: (
        {9: (0.9, 1.3), 10: (0.9, 1.2), 4: (0.2, 0.5), 6: (0.2, 0.6), 7: (0.4, 0.9)}
        | {17: (0.5, 1), 15: (0.1, 0.4), 43: (0.1, 0.4), 54: (-0.7, -0.2)},
        {9: (0.9, 1.3), 10: (0.9, 1.2), 25: (0.6, 1), 4: (0.2, 0.5), 6: (0.2, 0.6)}
        | {7: (0.4, 0.9), 15: (0.1, 0.4), 26: (0.2, 0.5), 43: (0.1, 0.4), 54: (-0.7, -0.2)},
    ),
    Emotion.FEAR: (
        _FRIGHT | {15: (0.3, 0.7), 20: (0.7, 1.1), 25: (0.6, 1), 26: (0.1, 0.4), 16: (0.2, 0.6)},
        _FRIGHT | {15: (0.4, 0.8), 20: (0.5, 1)},
    ),
    Emotion.HAPPINESS: (
        {6: (0.6, 1), 12: (0.7, 1), 25: (0.7, 1)},
        {6: (0.4, 0.9), 12: (0.7, 1)},
        {6: (0.6, 1), 12: (0.8, 1.05), 25: (0.7, 1), 26: (0.2, 0.5)},
    ),
    Emotion.SADNESS: (
        _CRY | {17: (0.7, 1.2), 43: (0.5, 0.9), 54: (0.8, 1.3)},
        _CRY | {17: (0.5, 1.0), 7: (0.2, 0.6), 43: (0.4, 0.7), 25: (0.1, 0.3), 54: (0.8, 1.3)},
    ),
    Emotion.SURPRISE: (
        {1: (0.85, 1.15), 2: (0.85, 1.15), 5: (0.75, 1.1), 25: (0.8, 1), 26: (0.7, 1.1)},
    ),
    Emotion.CONTEMPT: ({12: (0.5, 0.8), 14: (0.7, 1)},),
    Emotion.NEUTRAL: ({},),
}

_FULL = 1.12
_ASYMMETRY = 0.06
_RESTLESSNESS = 0.03
_WEAK_SIDE = 0.08


def draw_expression(
    emotion: Emotion, random: np.random.Generator, intensity: tuple[float, float]
) -> FloatArray:
    """Draw the action units of one face showing an emotion.

    Parameters
    ----------
    emotion
        What the face shows.
    random
        Source of the variant, the intensities and the asymmetry.
    intensity
        Range of the common intensity that all units of the emotion are multiplied by.

    Returns
    -------
    Intensities of shape (2, 20), the left and the right side of the image by `UNITS`; 1 is a
    full movement.

    References
    ----------
    Friesen and Ekman 1983, EMFACS; Ekman, Friesen and Hager 2002, FACS.
    """
    variants = _VARIANTS[emotion]
    variant = variants[int(random.integers(len(variants)))]
    common = _FULL * random.uniform(*intensity)
    units = np.minimum(np.abs(random.normal(0.0, _RESTLESSNESS, (2, len(UNITS)))), 0.06)
    units[:, UNIT_INDEX[26]] *= 0.3
    units[:, UNIT_INDEX[54]] = 0.0
    sides = 1.0 + np.clip(random.normal(0.0, _ASYMMETRY, (2, len(UNITS))), -0.12, 0.12)
    for unit, (low, high) in variant.items():
        units[:, UNIT_INDEX[unit]] += common * random.uniform(low, high)
    units *= sides
    if emotion is Emotion.CONTEMPT:
        units[int(random.integers(2))] *= _WEAK_SIDE
    return units.astype(np.float32)
