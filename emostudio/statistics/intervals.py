"""Confidence intervals for shares and for means of a few blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Return z such that a standard normal lies within +-z with `confidence`."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: int, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Parameters
    ----------
    successes
        Number of hits, between 0 and `count`.
    count
        Number of trials; 0 gives the whole range (0, 1).

    Returns
    -------
    Lower and upper bound in [0, 1]; both contain ``successes / count``.

    Raises
    ------
    ValueError
        If `successes` is not between 0 and `count`.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    if not 0 <= successes <= count:
        raise ValueError(f"{successes} of {count} is not a share")
    if count == 0:
        return (0.0, 1.0)
    from scipy.stats import binomtest  # the window imports this package and must not load scipy

    found = binomtest(successes, count).proportion_ci(confidence, method="wilson")
    # At 0 and `count` hits the bound is exactly 0 or 1; rounding must not push it past the share.
    share = successes / count
    return (min(max(0.0, float(found.low)), share), max(min(1.0, float(found.high)), share))


def t_interval(
    values: Sequence[float] | np.ndarray, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return the mean of independent values with its Student t interval.

    Parameters
    ----------
    values
        Shape (n,); at least two.

    Returns
    -------
    Mean, lower bound, upper bound.

    Raises
    ------
    ValueError
        If there are fewer than two values.
    """
    from scipy.special import stdtrit  # the window imports this package and must not load scipy

    sample = np.asarray(values, dtype=np.float64)
    if sample.size < 2:
        raise ValueError("An interval needs at least two values")
    mean = float(sample.mean())
    error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    half = float(stdtrit(sample.size - 1, 0.5 + confidence / 2)) * error
    return (mean, mean - half, mean + half)
