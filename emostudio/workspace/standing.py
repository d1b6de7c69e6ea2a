"""Frontier, dominated or undecided: from measured pairs to the points of the Pareto chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from emostudio.core.answers import BenchResult, PairedResult, Ratio
from emostudio.core.measured import OpenQuestion
from emostudio.statistics.blocks import MARGIN, blocks_needed, claims_difference
from emostudio.statistics.intervals import t_interval
from emostudio.statistics.paired import with_holm
from emostudio.statistics.pareto import Proved, Standing, standings
from emostudio.statistics.verdicts import SIGNIFICANT
from emostudio.workspace.claims import speed_between
from emostudio.workspace.records import BenchRecord, EvaluationRecord

ACCURACY_MARGIN = 0.01
"""A loss of less than one point of accuracy does not count as worse."""
_MOST_BLOCKS = 1000


@dataclass(frozen=True)
class Candidate:
    """A model whose accuracy and speed are both measured."""

    name: str
    evaluation: EvaluationRecord
    bench: BenchRecord


@dataclass(frozen=True)
class Placed:
    """Standings in the order of the candidates, and what is open about the undecided."""

    standings: tuple[Standing, ...]
    questions: tuple[OpenQuestion, ...]


def place(candidates: Sequence[Candidate]) -> Placed:
    """Place models on the Pareto chart by what is proved about each pair.

    Speed counts by interleaved ratios, accuracy by paired intervals and exact tests corrected for
    all pairs; models that were not measured together differ in accuracy only where their own
    intervals are apart, and in speed not at all.
    """
    speeds = _Speeds(candidates)
    accuracies = _Accuracies(candidates)
    found = tuple(standings(speeds.proved(), accuracies.proved()))
    questions: list[OpenQuestion] = []
    for i, j in combinations(range(len(candidates)), 2):
        if Standing.UNDECIDED in {found[i], found[j]} and Standing.DOMINATED not in {
            found[i],
            found[j],
        }:
            questions += [q for q in (speeds.question(i, j), accuracies.question(i, j)) if q]
    return Placed(found, tuple(questions))


def median_interval(result: BenchResult) -> tuple[float, float] | None:
    """Return the 95 % interval of a model's median latency, ms, over the blocks it was timed in."""
    steady = result.steadiness
    if steady is None or len(steady.block_medians_ms) < 2:
        return None
    _, low, high = t_interval(np.log(steady.block_medians_ms))
    return (math.exp(low), math.exp(high))


class _Speeds:
    """Ratios of all pairs; `_ratios[i, j]` is above 1 where i is the faster."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._all = candidates
        self._ratios: dict[tuple[int, int], Ratio] = {}
        for i, one in enumerate(candidates):
            for j, other in enumerate(candidates):
                ratio = speed_between(one.name, other.name, one.bench) if i != j else None
                if ratio is not None:
                    self._ratios[i, j] = ratio

    def proved(self) -> Proved:
        count = len(self._all)
        better, no_worse = np.zeros((count, count), bool), np.zeros((count, count), bool)
        for pair, ratio in self._ratios.items():
            better[pair] = claims_difference(ratio) and ratio.ratio > 1
            no_worse[pair] = math.log(ratio.interval[0]) >= -math.log(1 + MARGIN)
        return Proved(better, no_worse)

    def question(self, i: int, j: int) -> OpenQuestion | None:
        a, b = self._all[i].name, self._all[j].name
        ratio = self._ratios.get((i, j))
        if ratio is None:
            words = f"{a} and {b} were not timed together"
            return OpenQuestion(a=a, b=b, quantity="speed", blocks=30, words=words)
        low, high = (math.log(bound) for bound in ratio.interval)
        margin = math.log(1 + MARGIN)
        if claims_difference(ratio) or max(-low, high) <= margin:
            return None
        steady = self._all[i].bench.result.steadiness
        blocks = blocks_needed(ratio, len(steady.block_medians_ms) if steady else 30)
        if blocks is None or blocks > _MOST_BLOCKS:
            words = f"{a} and {b} are too alike in speed to be told apart"
            return OpenQuestion(a=a, b=b, quantity="speed", words=words)
        words = f"{a} against {b} in speed: about {blocks} blocks would settle it"
        return OpenQuestion(a=a, b=b, quantity="speed", blocks=blocks, words=words)


class _Accuracies:
    """Paired results of all pairs; `_pairs[i, j]` holds the accuracy of i minus that of j."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._all = candidates
        places = {one.name: place for place, one in enumerate(candidates)}
        by_pair: dict[tuple[int, int], PairedResult] = {}
        for i, one in enumerate(candidates):
            for pair in one.evaluation.paired:
                j = places.get(pair.a)
                if j is not None and j != i and (j, i) not in by_pair:
                    by_pair[i, j] = pair
        corrected = with_holm(list(by_pair.values()))
        self._pairs = dict(zip(by_pair, corrected, strict=True))

    def proved(self) -> Proved:
        count = len(self._all)
        better, no_worse = np.zeros((count, count), bool), np.zeros((count, count), bool)
        for i, j in combinations(range(count), 2):
            low, high, is_real = self._difference(i, j)
            better[i, j], better[j, i] = is_real and low > 0, is_real and high < 0
            no_worse[i, j] = better[i, j] or low > -ACCURACY_MARGIN
            no_worse[j, i] = better[j, i] or high < ACCURACY_MARGIN
        return Proved(better, no_worse)

    def question(self, i: int, j: int) -> OpenQuestion | None:
        low, high, is_real = self._difference(i, j)
        is_apart = is_real and (low > 0 or high < 0)
        if is_apart or (low > -ACCURACY_MARGIN and high < ACCURACY_MARGIN):
            return None
        a, b = self._all[i].name, self._all[j].name
        images = min(self._all[i].evaluation.result.samples, self._all[j].evaluation.result.samples)
        half, centre = (high - low) / 2, abs(low + high) / 2
        # the interval shrinks with the root of the images: it must let go of zero, or fit inside
        # the margin; whichever is nearer
        room = max(centre, ACCURACY_MARGIN - centre)
        needed = max(images + 1, math.ceil(images * (half / room) ** 2))
        words = (
            f"{a} against {b} in accuracy: {images:,} images leave it open, "
            f"about {needed:,} would settle it"
        )
        return OpenQuestion(a=a, b=b, quantity="accuracy", images=needed, words=words)

    def _difference(self, i: int, j: int) -> tuple[float, float, bool]:
        """Interval of the accuracy of i minus that of j, and whether the exact test holds."""
        for first, second, sign in ((i, j, 1), (j, i, -1)):
            pair = self._pairs.get((first, second))
            if pair is not None:
                ends = sorted(sign * bound for bound in pair.interval)
                is_real = (pair.p_value if pair.p_holm is None else pair.p_holm) < SIGNIFICANT
                return (ends[0], ends[1], is_real)
        a, b = (self._all[place].evaluation.result.accuracy_interval for place in (i, j))
        return (a[0] - b[1], a[1] - b[0], True)


def question_lines(questions: Sequence[OpenQuestion], most: int = 5) -> list[str]:
    """Return the questions in words, at most `most` of them and how many more there are."""
    lines = [question.words for question in questions[:most]]
    rest = len(questions) - len(lines)
    return [*lines, f"{rest} more"] if rest else lines


def settling_blocks(questions: Sequence[OpenQuestion]) -> tuple[tuple[str, ...], int]:
    """Return the models to time together, and for how many blocks, to settle what time can settle.

    No names and 0 where nothing is open, or only what more time cannot settle.
    """
    by_time = [q for q in questions if q.quantity == "speed" and q.blocks is not None]
    names = tuple(dict.fromkeys(name for q in by_time for name in (q.a, q.b)))
    return names, max((q.blocks or 0 for q in by_time), default=0)
