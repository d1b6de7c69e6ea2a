"""What the comparison says in words, claiming no more than was proved; no widgets."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.gui.pages.compare_table import has_proved_loss
from emostudio.statistics.verdicts import is_proved_faster
from emostudio.workspace.comparison import NOT_TOGETHER, Comparison, ComparisonRow
from emostudio.workspace.seeds import seed_words


@dataclass(frozen=True)
class Answer:
    """A heading and up to three lines; `model` is the variant it is about, empty for none."""

    heading: str
    lines: tuple[str, ...] = ()
    verdict: str = ""
    model: str = ""


def answer(comparison: Comparison) -> Answer:
    """Return the variant worth taking: the fastest one proved without a proved loss."""
    variants = [row for row in comparison.rows if not row.is_baseline]
    if not variants:
        return Answer("Choose at least two models to compare")
    proved = [row for row in variants if is_proved_faster(row.speed)]
    unharmed = [row for row in proved if not has_proved_loss(row)]
    if unharmed:
        best = max(unharmed, key=_speed)
        return _about(f"Fastest without a proved loss: {best.model}", best, comparison)
    if proved:
        best = max(proved, key=_speed)
        return _about(f"Fastest, at a loss of accuracy: {best.model}", best, comparison)
    smaller = [row for row in variants if (row.size_ratio or 0) > 1]
    if any(row.speed is not None for row in variants):
        heading = f"Nothing was proved faster than {comparison.baseline} here"
    else:
        heading = "Speed is not measured yet"
    if not smaller:
        return Answer(heading)
    best = max(smaller, key=lambda row: row.size_ratio or 0)
    lines = (f"{best.model} is the smallest: {_size(best, comparison)}", accuracy_words(best))
    return Answer(heading, tuple(line for line in lines if line), best.verdict, best.model)


def accuracy_words(row: ComparisonRow) -> str:
    """Say how the accuracy changed against the baseline, with its interval where it is known."""
    if row.accuracy_change is None:
        return ""
    words = f"Accuracy {points(row.accuracy_change)} points"
    if row.paired is None:
        return f"{words}, {NOT_TOGETHER}"
    low, high = row.paired.interval
    words += f" ({points(low)} to {points(high)})"
    return f"{words}, a proved loss" if has_proved_loss(row) else f"{words}, no loss proved"


def points(share: float) -> str:
    """Format a difference of shares in points, with sign and a space."""
    value = round(100 * share, 1)
    return f"{'− ' if value < 0 else '+ '}{abs(value):.1f}"


def _about(heading: str, row: ComparisonRow, comparison: Comparison) -> Answer:
    first = ""
    if row.speed is not None:
        low, high = row.speed.interval
        first = (
            f"{row.speed.ratio:.2f}× faster than {comparison.baseline} "
            f"(95 % {low:.2f}–{high:.2f}), {_size(row, comparison, is_short=True)}"
        )
    lines = (first, accuracy_words(row), _seeds_of(row, comparison))
    return Answer(heading, tuple(line for line in lines if line), row.verdict, row.model)


def _seeds_of(row: ComparisonRow, comparison: Comparison) -> str:
    groups = [group for group in comparison.seed_groups if row.model in group.models]
    return seed_words(groups[0]) if groups else ""


def _size(row: ComparisonRow, comparison: Comparison, *, is_short: bool = False) -> str:
    ratio = row.size_ratio or 1.0
    words = f"{ratio:.2f}× smaller on disk" if ratio >= 1 else f"{1 / ratio:.2f}× larger on disk"
    return words if is_short else f"{words} than {comparison.baseline}"


def _speed(row: ComparisonRow) -> float:
    return row.speed.ratio if row.speed is not None else 0.0
