"""The interval of a median, without any assumption about the distribution."""

from __future__ import annotations

from collections.abc import Sequence

from emostudio.statistics.intervals import CONFIDENCE

_BITS = 53


def median_interval(
    values: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return the median with the order statistics that enclose it.

    The bounds are mirrors of each other: as many values lie below the lower as above the upper.

    Parameters
    ----------
    values
        Shape (n,); independent of each other. Below six values the interval is their range,
        which covers less than 95 %.

    Returns
    -------
    Median, lower bound, upper bound.

    Raises
    ------
    ValueError
        If there are none.

    References
    ----------
    Conover, Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2 (exact binomial ranks).
    """
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        raise ValueError("A median needs at least one value")
    low = _rank(count, confidence)
    middle = count // 2
    median = ordered[middle] if count % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return median, ordered[low], ordered[count - 1 - low]


def _rank(count: int, confidence: float) -> int:
    """Return the highest index that, with its mirror, covers the median often enough; else 0.

    It misses on one side when at most that many of `count` values fall below the median.
    """
    # in whole numbers: 2**count is no float from 1024 values on
    allowed = (round((1 - confidence) / 2 * 2**_BITS) << count) >> _BITS
    rank, ways, below = 0, 1, 1
    while True:
        ways = ways * (count - rank) // (rank + 1)
        below += ways
        if below > allowed:
            return rank
        rank += 1
