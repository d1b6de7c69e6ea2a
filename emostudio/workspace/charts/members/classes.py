"""How often each emotion is recognised, by every variant."""

from __future__ import annotations

from emostudio.core.answers import EvaluationResult
from emostudio.statistics.intervals import wilson
from emostudio.workspace.charts.base import Bar, Bars, ChartKind, Panel, Scale, no_blockers
from emostudio.workspace.charts.material import Material
from emostudio.workspace.charts.recalls import recall_counts


def _draw(material: Material) -> tuple[Panel, ...]:
    rows = [row for row in material.comparison.rows if row.evaluation is not None]
    if not rows:
        return ()
    found = [recall_bars(row.evaluation, row.slot) for row in rows if row.evaluation]
    names = tuple(dict.fromkeys(name for bars in found for name in bars))
    values = tuple(tuple(bars.get(name, Bar(None)) for bars in found) for name in names)
    return (
        Bars(
            "Recognised, % of the pictures of each emotion",
            Scale("%", low=0.0, high=100.0),
            tuple(name.capitalize() for name in names),
            tuple((row.model, row.slot) for row in rows),
            values,
            0,
            "95 % Wilson intervals",
        ),
    )


def recall_bars(result: EvaluationResult, slot: int) -> dict[str, Bar]:
    """Return the share of each true class that was named rightly, in percent, by class."""
    bars = {}
    for name, (right, total) in recall_counts(result).items():
        low, high = wilson(right, total)
        bars[name] = Bar(100 * right / total, (100 * low, 100 * high), slot)
    return bars


CHART = ChartKind(
    key="classes",
    title="By emotion",
    summary="How often each emotion is recognised, by every variant",
    note="%, higher is better",
    missing="Measure accuracy first.",
    draw=_draw,
    order=3,
    blockers=no_blockers,
)
