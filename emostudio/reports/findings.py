"""What the numbers say, in sentences that claim no more than was proved."""

from __future__ import annotations

from collections.abc import Sequence

from emostudio.reports.table import has_proved_loss
from emostudio.statistics.verdicts import Verdict, is_proved_faster
from emostudio.workspace.comparison import NOT_TOGETHER, Comparison, ComparisonRow


def findings(comparison: Comparison) -> list[str]:
    """Return up to three sentences: the fastest proved variant, the smallest, what is unclear."""
    variants = [row for row in comparison.rows if not row.is_baseline]
    if not variants:
        return ["There is nothing to compare with the baseline"]
    lines = [_fastest(variants, comparison.baseline), _smallest(variants, comparison.baseline)]
    unclear = [row.model for row in variants if row.verdict == Verdict.NOT_DECIDED]
    if unclear:
        lines.append(f"Not decided: {', '.join(unclear)}")
    return [line for line in lines if line]


def accuracy_words(row: ComparisonRow) -> str:
    """Say how the accuracy changed against the baseline, with its interval."""
    if row.paired is None:
        change = row.accuracy_change
        return "" if change is None else f"accuracy {points(change)} points, {NOT_TOGETHER}"
    low, high = row.paired.interval
    difference = points(row.paired.difference)
    words = f"accuracy {difference} points (95 % {points(low)} to {points(high)})"
    return words if has_proved_loss(row) else f"{words}, no loss proved"


def points(share: float) -> str:
    """Format a difference of shares in points, with sign and a space."""
    value = round(100 * share, 1)
    return f"{'− ' if value < 0 else '+ '}{abs(value):.1f}"


def _fastest(variants: Sequence[ComparisonRow], baseline: str) -> str:
    proved = [row for row in variants if is_proved_faster(row.speed)]
    if not proved:
        measured = any(row.speed is not None for row in variants)
        return f"No variant was proved faster than {baseline} here" if measured else ""
    best = max(proved, key=lambda row: row.speed.ratio if row.speed else 0)
    parts = [f"{best.model} is the fastest", _speed_words(best, baseline)]
    return ", ".join(part for part in [*parts, accuracy_words(best)] if part)


def _speed_words(row: ComparisonRow, baseline: str) -> str:
    if row.speed is None:
        return ""
    low, high = row.speed.interval
    return f"{row.speed.ratio:.2f}× faster than {baseline} (95 % {low:.2f}–{high:.2f})"


def _smallest(variants: Sequence[ComparisonRow], baseline: str) -> str:
    best = max(variants, key=lambda row: row.size_ratio or 0)
    if best.size_ratio is None or best.size_ratio <= 1:
        return f"No variant is smaller on disk than {baseline}"
    parts = [
        f"{best.model} is the smallest, {best.size_ratio:.1f}× smaller on disk than {baseline}"
    ]
    return ", ".join(part for part in [*parts, accuracy_words(best)] if part)
