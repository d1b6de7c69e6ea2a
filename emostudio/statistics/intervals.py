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
    return wilson_of_share(successes / count, count, confidence)


def wilson_of_share(
    share: float, count: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the Wilson score interval of a share of `count` trials, which need not be whole."""
    z = normal_quantile(confidence)
    weight = z * z / count
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / count + weight / (4 * count))
    # At 0 and `count` hits the bound is exactly 0 or 1; rounding must not push it past the share.
    return (min(max(0.0, centre - half), share), max(min(1.0, centre + half), share))


def newcombe(
    successes_a: int,
    count_a: int,
    successes_b: int,
    count_b: int,
    confidence: float = CONFIDENCE,
) -> tuple[float, float, float]:
    """Return share `b` minus share `a` of independent trials, with its interval.

    Parameters
    ----------
    successes_a, count_a, successes_b, count_b
        Hits and trials of the two shares.

    Returns
    -------
    Difference, lower and upper bound, in shares (0.01 is one point).

    Raises
    ------
    ValueError
        If a number of hits is not between 0 and its trials, or there are no trials.

    References
    ----------
    Newcombe 1998, Stat. Med. 17, 873-890, method 10 (two Wilson intervals).
    """
    if not count_a or not count_b:
        raise ValueError("A difference of shares needs trials on both sides")
    share_a, share_b = successes_a / count_a, successes_b / count_b
    low_a, high_a = wilson(successes_a, count_a, confidence)
    low_b, high_b = wilson(successes_b, count_b, confidence)
    difference = share_b - share_a
    low = difference - math.hypot(share_b - low_b, high_a - share_a)
    high = difference + math.hypot(high_b - share_b, share_a - low_a)
    return (difference, low, high)


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


def mean_p_value(values: Sequence[float]) -> float:
    """Return the two-sided p-value of Student's t that the mean of independent values is zero.

    Below 0.05 exactly where the interval of `t_interval` leaves out zero. Values that are all the
    same give 0, or 1 where they are zero.

    Parameters
    ----------
    values
        At least two.

    Raises
    ------
    ValueError
        If there are fewer than two values.
    """
    from scipy.special import stdtr  # the window imports this package and must not load scipy

    sample = np.asarray(values, dtype=np.float64)
    if sample.size < 2:
        raise ValueError("A test needs at least two values")
    mean, error = float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(sample.size)
    if error == 0:
        return 0.0 if mean else 1.0
    return float(2 * stdtr(sample.size - 1, -abs(mean) / error))
