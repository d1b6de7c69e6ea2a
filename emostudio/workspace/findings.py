"""What a comparison says in words, claiming no more than was proved; window and report say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emostudio.core.units import signed
from emostudio.statistics.verdicts import Verdict, is_proved_faster, is_proved_loss
from emostudio.workspace.comparison import NOT_TOGETHER, Comparison, ComparisonRow
from emostudio.workspace.seeds import seed_words

NOT_FOR_PUBLICATION = "Not for publication"


@dataclass(frozen=True)
class Answer:
    """A heading and up to three lines; `model` is the variant it is about, empty for none."""

    heading: str
    lines: tuple[str, ...] = ()
    verdict: str = ""
    model: str = ""


def answer(comparison: Comparison) -> Answer:
    """Return the variant worth taking: the fastest one proved without a proved loss.

    It is called the fastest only where it was proved faster than all others that could be taken.
    """
    variants = _variants(comparison)
    if not variants:
        return Answer("Choose at least two models to compare")
    proved = [row for row in variants if is_proved_faster(row.speed)]
    unharmed = [row for row in proved if not is_proved_loss(row.paired)]
    if unharmed:
        others = [row for row in variants if not is_proved_loss(row.paired)]
        return _about_fastest(unharmed, others, " without a proved loss", comparison)
    if proved:
        return _about_fastest(proved, variants, ", at a loss of accuracy", comparison)
    if any(row.speed is not None for row in variants):
        heading = f"Nothing was proved faster than {comparison.baseline} here"
    else:
        heading = "Speed is not measured yet"
    smallest = _smallest(variants)
    if smallest is None:
        return Answer(heading)
    lines = (_smallest_words(smallest, comparison.baseline), accuracy_words(smallest))
    return _filled(heading, lines, smallest)


def findings(comparison: Comparison) -> list[str]:
    """Return the answer, the smallest variant, what is not decided, and what bars publication.

    One sentence each.
    """
    variants = _variants(comparison)
    if not variants:
        return ["There is nothing to compare with the baseline"]
    first = answer(comparison)
    lines = [first.heading, *first.lines, _about_size(variants, comparison.baseline, first)]
    unclear = [row.model for row in variants if row.verdict == Verdict.NOT_DECIDED]
    if unclear:
        lines.append(f"Not decided: {', '.join(unclear)}")
    if comparison.blockers:
        lines.append(f"{NOT_FOR_PUBLICATION}: {'; '.join(comparison.blockers)}")
    return [line for line in lines if line]


def accuracy_words(row: ComparisonRow) -> str:
    """Say how the accuracy changed against the baseline, with its interval where it is known."""
    if row.paired is None:
        change = row.accuracy_change
        return "" if change is None else f"Accuracy {points(change)} points, {NOT_TOGETHER}"
    low, high = row.paired.interval
    judged = "a proved loss" if is_proved_loss(row.paired) else "no loss proved"
    difference = points(row.paired.difference)
    return f"Accuracy {difference} points (95 % {points(low)} to {points(high)}), {judged}"


def points(share: float) -> str:
    """Format a difference of shares in points, with sign and a space."""
    return signed(100 * share)


def _variants(comparison: Comparison) -> list[ComparisonRow]:
    return [row for row in comparison.rows if not row.is_baseline]


def _about_fastest(
    proved: Sequence[ComparisonRow],
    others: Sequence[ComparisonRow],
    how: str,
    comparison: Comparison,
) -> Answer:
    best = max(proved, key=_speed)
    alike = [row.model for row in others if row is not best and _may_be_as_fast(row, best)]
    word = "Faster" if alike else "Fastest"
    first = ""
    if best.speed is not None:
        low, high = best.speed.interval
        first = (
            f"{best.speed.ratio:.2f}× faster than {comparison.baseline} "
            f"(95 % {low:.2f}–{high:.2f}), {_size_words(best)}"
        )
    if alike:
        first += f"; not told apart in speed from {', '.join(alike)}"
    lines = (first, accuracy_words(best), _seeds_of(best, comparison))
    return _filled(f"{word}{how}: {best.model}", lines, best)


def _may_be_as_fast(row: ComparisonRow, best: ComparisonRow) -> bool:
    """Whether nothing measured puts a row behind the best; what has no real kernel has no time."""
    if row.kernels == "simulated" or row.model in best.faster_than:
        return False
    if row.speed is None or best.speed is None:
        return True
    return row.speed.interval[1] >= best.speed.interval[0]


def _filled(heading: str, lines: Sequence[str], row: ComparisonRow) -> Answer:
    return Answer(heading, tuple(line for line in lines if line), row.verdict, row.model)


def _seeds_of(row: ComparisonRow, comparison: Comparison) -> str:
    groups = [group for group in comparison.seed_groups if row.model in group.models]
    return seed_words(groups[0]) if groups else ""


def _about_size(variants: Sequence[ComparisonRow], baseline: str, first: Answer) -> str:
    smallest = _smallest(variants)
    if smallest is None:
        return f"No variant is smaller on disk than {baseline}"
    words = _smallest_words(smallest, baseline)
    if words in first.lines:
        return ""
    if smallest.model == first.model:
        return f"{smallest.model} is the smallest, too"
    accuracy = accuracy_words(smallest)
    return f"{words}. {accuracy}" if accuracy else words


def _smallest(variants: Sequence[ComparisonRow]) -> ComparisonRow | None:
    best = max(variants, key=lambda row: row.size_ratio or 0)
    return best if (best.size_ratio or 0) > 1 else None


def _smallest_words(row: ComparisonRow, baseline: str) -> str:
    return f"{row.model} is the smallest: {_size_words(row)} than {baseline}"


def _size_words(row: ComparisonRow) -> str:
    ratio = row.size_ratio or 1.0
    return f"{ratio:.2f}× smaller on disk" if ratio >= 1 else f"{1 / ratio:.2f}× larger on disk"


def _speed(row: ComparisonRow) -> float:
    return row.speed.ratio if row.speed is not None else 0.0
