"""Two models on the same images: McNemar's test and the interval of the difference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import PairedResult
from emostudio.core.measured import Resampling
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
    from scipy.stats import binomtest  # the window imports this package and must not load scipy

    total = only_a + only_b
    return float(binomtest(only_a, total, 0.5).pvalue) if total else 1.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for being several, in the same order.

    Calling those below 0.05 significant then errs anywhere in at most 5 % of all such families.

    References
    ----------
    Holm 1979, Scand. J. Statist. 6, 65-70.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return tuple(corrected)


def with_holm(pairs: Sequence[PairedResult]) -> tuple[PairedResult, ...]:
    """Correct the p-values of pairs that are shown together, after Holm."""
    corrected = holm([pair.p_value for pair in pairs])
    return tuple(
        pair.model_copy(update={"p_holm": p_holm})
        for pair, p_holm in zip(pairs, corrected, strict=True)
    )


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
    if subjects is None or not _are_people_known(subjects):
        return (difference, low, high)
    resampled = paired_bootstrap(correct_a, correct_b, subjects, confidence)
    if resampled is not None:
        low, high = min(low, resampled.interval[0]), max(high, resampled.interval[1])
    return (difference, low, high)


def paired_bootstrap(
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    subjects: NDArray[np.integer] | None = None,
    confidence: float = CONFIDENCE,
) -> Resampling | None:
    """Resample the difference of two accuracies, by person where at least two are known.

    Parameters
    ----------
    correct_a, correct_b, subjects
        As in `paired_difference`.

    Returns
    -------
    The percentile interval over `RESAMPLES` draws, the same for the same data; None where the
    models never disagree, so that there is nothing to draw.

    References
    ----------
    Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    deltas = np.asarray(correct_b, dtype=np.int64) - np.asarray(correct_a, dtype=np.int64)
    if not np.any(deltas):
        return None
    tail = (1 - confidence) / 2
    if subjects is not None and _are_people_known(subjects):
        sums, sizes = _by_person(deltas, subjects)
        means, unit, units = _draw_people(sums, sizes, confidence), "subjects", len(sizes)
    else:
        means, unit, units = _draw_images(deltas), "images", len(deltas)
    low, high = np.quantile(means, [tail, 1 - tail])
    return Resampling(
        unit=unit,
        units=units,
        resamples=RESAMPLES,
        interval=(float(low), float(high)),
    )


def _are_people_known(subjects: NDArray[np.integer]) -> bool:
    return len(np.unique(subjects[subjects >= 0])) > 1


def _draw_images(deltas: NDArray[np.int64]) -> NDArray[np.float64]:
    """Differences of resampled images; only how often -1, 0 and 1 are drawn matters."""
    count = len(deltas)
    shares = np.array([(deltas == value).sum() for value in (-1, 0, 1)]) / count
    drawn = np.random.default_rng(0).multinomial(count, shares, size=RESAMPLES)
    means: NDArray[np.float64] = (drawn[:, 2] - drawn[:, 0]) / count
    return means


def _draw_people(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], confidence: float
) -> NDArray[np.float64]:
    from scipy.stats import bootstrap  # the window imports this package and must not load scipy

    def difference(
        drawn_sums: NDArray[np.float64], drawn_sizes: NDArray[np.float64], axis: int = -1
    ) -> NDArray[np.float64]:
        found: NDArray[np.float64] = drawn_sums.sum(axis=axis) / drawn_sizes.sum(axis=axis)
        return found

    found = bootstrap(
        (sums, sizes),
        difference,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_RESAMPLES_AT_ONCE,
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(0),
    )
    return np.asarray(found.bootstrap_distribution)


def _by_person(
    deltas: NDArray[np.int64], subjects: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of differences and number of images of each person; the unknown count one by one."""
    groups = subjects.astype(np.int64).copy()
    unknown = np.flatnonzero(groups < 0)
    groups[unknown] = groups.max() + 1 + np.arange(len(unknown))
    _, members = np.unique(groups, return_inverse=True)
    sums = np.bincount(members, weights=deltas).astype(np.float64)
    return sums, np.bincount(members).astype(np.float64)


def _bonett_price(only_a: int, only_b: int, count: int, confidence: float) -> tuple[float, float]:
    share_a, share_b = (only_a + 1) / (count + 2), (only_b + 1) / (count + 2)
    centre = share_b - share_a
    spread = math.sqrt((share_a + share_b - centre * centre) / (count + 2))
    half = normal_quantile(confidence) * spread
    return (max(-1.0, centre - half), min(1.0, centre + half))
