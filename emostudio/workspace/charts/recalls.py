"""How often each emotion is recognised, and by how much that differs between two models."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.core.answers import EvaluationResult
from emostudio.statistics.intervals import newcombe


@dataclass(frozen=True)
class ClassChange:
    """Recognition of one emotion by a variant less that by the baseline, in points."""

    name: str
    points: float
    interval: tuple[float, float]

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes no change."""
        return self.interval[0] > 0 or self.interval[1] < 0


def recall_counts(result: EvaluationResult) -> dict[str, tuple[int, int]]:
    """Return pictures named rightly and all pictures by true class; empty classes lack."""
    counts = {}
    for place, (name, row) in enumerate(zip(result.labels, result.confusion, strict=True)):
        if sum(row):
            counts[str(name)] = (row[place], sum(row))
    return counts


def class_changes(variant: EvaluationResult, baseline: EvaluationResult) -> tuple[ClassChange, ...]:
    """Return the changes of the classes that both results have, with their 95 % intervals.

    A confusion matrix does not say which pictures both models got right, so the intervals are
    Newcombe's for independent shares: on the same pictures they are wider than paired ones.
    """
    before, now = recall_counts(baseline), recall_counts(variant)
    changes = []
    for name in (name for name in now if name in before):
        difference, low, high = newcombe(*before[name], *now[name])
        changes.append(ClassChange(name, 100 * difference, (100 * low, 100 * high)))
    return tuple(changes)
