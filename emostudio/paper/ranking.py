"""Rankings over seeds: how far two trainings lie apart, and whether that decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emostudio.paper.results import Measured
from emostudio.statistics.intervals import mean_p_value, t_interval
from emostudio.statistics.paired import holm
from emostudio.statistics.verdicts import SIGNIFICANT, Verdict
from emostudio.workspace.seeds import ENOUGH_SEEDS

_SHOWN_FROM = 3
"""Below so many seeds the interval says nothing, and no difference is shown."""
_LEAST_P = 0.001
_DIGITS = 9
"""Of a difference of percentages: what lies beyond is rounding, not a spread."""


@dataclass(frozen=True)
class Gap:
    """One difference between two ways of training, seed by seed.

    Attributes
    ----------
    measured
        The mean difference with its interval.
    seeds
        Pairs it is over.
    p_value
        Two-sided, of no difference at all; 1 without a spread.
    has_spread
        Whether the seeds differ. With so few pictures that every seed falls on the same step
        nothing is known of the spread, and nothing is proved.
    """

    measured: Measured
    seeds: int
    p_value: float
    has_spread: bool


def gap(firsts: Sequence[Measured | None], seconds: Sequence[Measured | None]) -> Gap | None:
    """Return `firsts` less `seconds`, seed by seed, with Student's t; None below three seeds."""
    pairs = [
        (a, b) for a, b in zip(firsts, seconds, strict=False) if a is not None and b is not None
    ]
    if len(pairs) < _SHOWN_FROM:
        return None
    differences = [round(a.value - b.value, _DIGITS) for a, b in pairs]
    has_spread = len(set(differences)) > 1
    mean, low, high = t_interval(differences)
    measured = pairs[-1][0].model_copy(
        update={
            "value": mean,
            "low": low,
            "high": high,
            "basis": f"95 %, Student t over {len(pairs)} seeds, pair by pair",
        }
    )
    p_value = mean_p_value(differences) if has_spread else 1.0
    return Gap(measured, len(pairs), p_value, has_spread)


def judge(gaps: Sequence[Gap]) -> list[tuple[Verdict, str]]:
    """Judge differences that are shown together, after Holm.

    Returns
    -------
    For each the verdict that the first is above the second, and what it rests on. Below
    `ENOUGH_SEEDS` seeds nothing is decided.
    """
    corrected = holm([gap.p_value for gap in gaps])
    return [_judged(gap, p_holm, len(gaps)) for gap, p_holm in zip(gaps, corrected, strict=True)]


def _judged(gap: Gap, p_holm: float, family: int) -> tuple[Verdict, str]:
    if gap.seeds < ENOUGH_SEEDS:
        return Verdict.NOT_DECIDED, f"{gap.seeds} seeds, a ranking needs {ENOUGH_SEEDS}"
    if not gap.has_spread:
        return Verdict.NOT_DECIDED, "every seed gives the same difference: its spread is unknown"
    words = _p_words(gap.p_value)
    if family > 1:
        words += f", {_p_words(p_holm)} after Holm over {family} comparisons"
    if p_holm < SIGNIFICANT:
        is_above = gap.measured.value > 0
        return (Verdict.PROVED if is_above else Verdict.REFUTED), words
    if gap.measured.low > 0 or gap.measured.high < 0:
        words += ": this interval alone leaves out zero, all comparisons together do not decide"
    return Verdict.NOT_DECIDED, words


def _p_words(p_value: float) -> str:
    return f"p < {_LEAST_P}" if p_value < _LEAST_P else f"p = {p_value:.3f}"
