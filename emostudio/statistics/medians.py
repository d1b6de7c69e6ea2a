"""The interval of a median, without any assumption about the distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from emostudio.statistics.intervals import CONFIDENCE, normal_quantile


def median_interval(
    values: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return the median with the order statistics that enclose it.

    Parameters
    ----------
    values
        Shape (n,); independent of each other. Below six values the interval is their range.

    Returns
    -------
    Median, lower bound, upper bound.

    Raises
    ------
    ValueError
        If there are none.

    References
    ----------
    Conover, Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2 (normal approximation).
    """
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        raise ValueError("A median needs at least one value")
    half = normal_quantile(confidence) * math.sqrt(count) / 2
    low = max(0, math.floor(count / 2 - half))
    high = min(count - 1, math.ceil(count / 2 + half))
    middle = count // 2
    median = ordered[middle] if count % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return median, ordered[low], ordered[high]
