"""From interleaved blocks of timings to "A is 1.42× faster", or to an honest shrug."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import Latency, Ratio
from emostudio.statistics.intervals import CONFIDENCE, t_interval

MARGIN = 0.02
"""Differences below this share are never claimed."""
NOT_DECIDED = "not decided"

_LOG_MARGIN = math.log(1 + MARGIN)
_QUERIES_P95, _QUERIES_P99 = 130, 662


def block_ratio(
    name_a: str, name_b: str, blocks_a: NDArray[np.floating], blocks_b: NDArray[np.floating]
) -> Ratio:
    """Compare two models timed in the same blocks.

    One value per block, log(median of `b` / median of `a`); the blocks are independent because
    sessions are rebuilt in each, single timings within a block are not.

    Parameters
    ----------
    blocks_a, blocks_b
        Shape (blocks, queries), milliseconds; row i of both was measured in the same minute.

    Returns
    -------
    The ratio is time of `b` over time of `a`: above 1 means `a` is faster.

    Raises
    ------
    ValueError
        If the block counts differ or there are fewer than two.
    """
    medians_a = np.median(np.asarray(blocks_a, dtype=np.float64), axis=1)
    medians_b = np.median(np.asarray(blocks_b, dtype=np.float64), axis=1)
    if medians_a.shape != medians_b.shape:
        raise ValueError("Both models must be timed in the same blocks")
    mean, low, high = t_interval(np.log(medians_b / medians_a))
    return Ratio(
        a=name_a,
        b=name_b,
        ratio=math.exp(mean),
        interval=(math.exp(low), math.exp(high)),
        verdict=speed_words(name_a, name_b, math.exp(mean), (math.exp(low), math.exp(high))),
    )


def bootstrap_interval(
    blocks_a: NDArray[np.floating], blocks_b: NDArray[np.floating]
) -> tuple[float, float]:
    """Return the ratio's 95 % interval by drawing whole blocks, to cross-check `block_ratio`.

    It supposes nothing about the shape of the distribution, but with few blocks it is too narrow.

    Parameters
    ----------
    blocks_a, blocks_b
        As in `block_ratio`.
    """
    from scipy.stats import bootstrap  # the window imports this package and must not load scipy

    logs = np.log(np.median(blocks_b, axis=1) / np.median(blocks_a, axis=1))
    if np.ptp(logs) == 0:
        return (math.exp(logs[0]), math.exp(logs[0]))
    found = bootstrap(
        (logs,), np.mean, n_resamples=2000, method="percentile",
        confidence_level=CONFIDENCE, random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return (math.exp(found.low), math.exp(found.high))


def speed_words(name_a: str, name_b: str, ratio: float, interval: tuple[float, float]) -> str:
    """Say what a ratio of times allows to say.

    Parameters
    ----------
    ratio
        Time of `b` over time of `a`.
    interval
        Its 95 % interval.
    """
    low, high = interval
    if math.log(low) > _LOG_MARGIN:
        return f"{name_a} is {ratio:.2f}× faster than {name_b} (95 % {low:.2f}–{high:.2f})"
    if math.log(high) < -_LOG_MARGIN:
        words = f"(95 % {1 / high:.2f}–{1 / low:.2f})"
        return f"{name_a} is {1 / ratio:.2f}× slower than {name_b} {words}"
    if math.log(low) >= -_LOG_MARGIN and math.log(high) <= _LOG_MARGIN:
        return f"no difference larger than {MARGIN:.0%}".replace("%", " %")
    return NOT_DECIDED


def claims_difference(ratio: Ratio) -> bool:
    """Return whether the interval lies wholly outside the margin, so that words claim a winner."""
    low, high = ratio.interval
    return math.log(low) > _LOG_MARGIN or math.log(high) < -_LOG_MARGIN


def blocks_needed(ratio: Ratio, blocks: int) -> int | None:
    """Return how many blocks would probably decide a ratio that is not decided.

    The interval shrinks with the square root of the number of blocks. None where the estimate
    itself lies so close to the margin that no sensible run would decide it.
    """
    low, high = (math.log(bound) for bound in ratio.interval)
    half = (high - low) / 2
    room = abs(abs(math.log(ratio.ratio)) - _LOG_MARGIN)
    if room < _LOG_MARGIN / 10:
        return None
    return max(blocks, math.ceil(blocks * (half / room) ** 2))


def percentiles(samples_ms: NDArray[np.floating]) -> Latency:
    """Return p50, p95 and p99; a percentile without enough queries is None.

    Parameters
    ----------
    samples_ms
        Any shape, milliseconds.

    References
    ----------
    MLPerf Inference early-stopping criterion at 99 % confidence: 130 queries for p95, 662 for p99.
    """
    flat = np.asarray(samples_ms, dtype=np.float64).ravel()
    if flat.size == 0:
        raise ValueError("There are no timings")
    return Latency(
        p50=float(np.quantile(flat, 0.5)),
        p95=float(np.quantile(flat, 0.95)) if flat.size >= _QUERIES_P95 else None,
        p99=float(np.quantile(flat, 0.99)) if flat.size >= _QUERIES_P99 else None,
    )
