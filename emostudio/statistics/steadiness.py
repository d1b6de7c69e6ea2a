"""Drift and outliers of timings: shown beside the figures, never removed from them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emostudio.core.measured import Steadiness
from emostudio.statistics.intervals import CONFIDENCE

_FEWEST_FOR_A_LINE = 3


def steadiness(blocks_ms: NDArray[np.floating]) -> Steadiness:
    """Describe how even the timings of one model were.

    Parameters
    ----------
    blocks_ms
        Shape (blocks, queries), milliseconds, blocks in the order in which they were measured.

    Raises
    ------
    ValueError
        If there are no timings.

    References
    ----------
    Tukey 1977, Exploratory Data Analysis (fences). Sen 1968, J. Am. Stat. Assoc. 63, 1379-1389
    (slope and its interval; a single disturbed block does not tilt the line).
    """
    times = np.asarray(blocks_ms, dtype=np.float64)
    if times.size == 0:
        raise ValueError("There are no timings")
    medians = np.median(times, axis=1)
    mild, far = outlier_counts(times)
    scatter = float(medians.std(ddof=1) / medians.mean()) if len(medians) > 1 else 0.0
    drift, low, high = _drift_percent(medians)
    return Steadiness(
        mild_outliers=mild,
        far_outliers=far,
        scatter_percent=100 * scatter,
        drift_percent=drift,
        drift_interval=(low, high),
        block_medians_ms=tuple(round(float(value), 5) for value in medians),
    )


def outlier_counts(samples_ms: NDArray[np.floating]) -> tuple[int, int]:
    """Count mild and far outliers by Tukey's fences (1.5 and 3 interquartile ranges).

    Parameters
    ----------
    samples_ms
        Any shape, milliseconds.
    """
    flat = np.asarray(samples_ms, dtype=np.float64).ravel()
    low, high = np.quantile(flat, [0.25, 0.75])
    distance = np.maximum(low - flat, flat - high)
    far = int((distance > 3 * (high - low)).sum())
    return (int((distance > 1.5 * (high - low)).sum()) - far, far)


def _drift_percent(medians: NDArray[np.float64]) -> tuple[float, float, float]:
    """Change from the first block to the last with its interval; zeros without a line."""
    if len(medians) < _FEWEST_FOR_A_LINE:
        return (0.0, 0.0, 0.0)
    from scipy.stats import theilslopes  # the window imports this package and must not load scipy

    line = theilslopes(np.log(medians), np.arange(len(medians)), alpha=CONFIDENCE)
    steps = len(medians) - 1
    slopes = (float(line.slope), float(line.low_slope), float(line.high_slope))
    drift, low, high = (100 * math.expm1(slope * steps) for slope in slopes)
    return (drift, low, high)
