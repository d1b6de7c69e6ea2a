"""Two models on the same images: McNemar's test and the interval of the difference."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emostudio.statistics.intervals import CONFIDENCE, normal_quantile

RESAMPLES = 10_000
_RESAMPLES_AT_ONCE = 500


def discordant(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]) -> tuple[int, int]:
    """Count the images only `a` gets right and those only `b` gets right."""
    first, second = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if first.shape != second.shape:
        raise ValueError("Paired answers must be about the same images")
    return (int((first & ~second).sum()), int((~first & second).sum()))


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Return the two-sided exact p-value of McNemar's test.

    Parameters
    ----------
    only_a, only_b
        Images that exactly one of the two models gets right.

    References
    ----------
    McNemar 1947, Psychometrika 12, 153-157; exact form: a fair coin over the discordant pairs.
    """
    from scipy.special import bdtr  # the window imports this package and must not load scipy

    total = only_a + only_b
    if total == 0:
        return 1.0
    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), total, 0.5)))


def paired_difference(
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    subjects: NDArray[np.integer] | None = None,
    confidence: float = CONFIDENCE,
) -> tuple[float, float, float]:
    """Return accuracy of `b` minus accuracy of `a` on the same images, with its interval.

    Without subject ids the images count as independent and the interval is Bonett and Price's;
    it stays honest when the models never disagree, where a bootstrap would claim certainty.
    With subject ids whole persons are resampled as well, because pictures of one person are alike,
    and the wider bound counts: with few persons alone the bootstrap would be too sure.

    Parameters
    ----------
    correct_a, correct_b
        Shape (N,).
    subjects
        Shape (N,), person of each image; negative where unknown (those count alone).

    Returns
    -------
    Difference, lower and upper bound, in shares (0.01 is one point).

    References
    ----------
    Bonett and Price 2012, J. Educ. Behav. Stat. 37, 479-488 (adjusted Wald interval).
    """
    only_a, only_b = discordant(correct_a, correct_b)
    count = len(correct_a)
    if count == 0:
        return (0.0, -1.0, 1.0)
    difference = (only_b - only_a) / count
    low, high = _bonett_price(only_a, only_b, count, confidence)
    if subjects is not None and len(np.unique(subjects[subjects >= 0])) > 1:
        deltas = np.asarray(correct_b, dtype=np.int64) - np.asarray(correct_a, dtype=np.int64)
        if np.any(deltas):
            by_person = _bootstrap_by_subject(deltas, subjects, confidence)
            low, high = min(low, by_person[0]), max(high, by_person[1])
    return (difference, low, high)


def _bonett_price(only_a: int, only_b: int, count: int, confidence: float) -> tuple[float, float]:
    share_a, share_b = (only_a + 1) / (count + 2), (only_b + 1) / (count + 2)
    centre = share_b - share_a
    spread = math.sqrt((share_a + share_b - centre * centre) / (count + 2))
    half = normal_quantile(confidence) * spread
    return (max(-1.0, centre - half), min(1.0, centre + half))


def _bootstrap_by_subject(
    deltas: NDArray[np.int64], subjects: NDArray[np.integer], confidence: float
) -> tuple[float, float]:
    groups = subjects.astype(np.int64).copy()
    unknown = np.flatnonzero(groups < 0)
    groups[unknown] = groups.max() + 1 + np.arange(len(unknown))
    _, members = np.unique(groups, return_inverse=True)
    sums = np.bincount(members, weights=deltas)
    sizes = np.bincount(members).astype(np.float64)
    generator = np.random.default_rng(0)  # the same data must always give the same interval
    means = []
    for _ in range(RESAMPLES // _RESAMPLES_AT_ONCE):
        drawn = generator.integers(0, len(sizes), size=(_RESAMPLES_AT_ONCE, len(sizes)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return (float(low), float(high))
