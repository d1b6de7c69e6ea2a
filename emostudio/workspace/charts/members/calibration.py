"""How far every variant's confidence can be believed."""

from __future__ import annotations

from emostudio.statistics.intervals import wilson
from emostudio.workspace.charts.base import ChartKind, Line, Panel, Plot, Scale, no_blockers
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import ComparisonRow


def _draw(material: Material) -> tuple[Panel, ...]:
    lines = [line for row in material.comparison.rows if (line := _line(row)) is not None]
    if not lines:
        return ()
    perfect = Line("as sure as right", 0, (0.0, 100.0), (0.0, 100.0), "reference")
    x = Scale("Confidence, % (bins of equally many pictures)", low=0.0, high=100.0)
    return (Plot(x, Scale("Accuracy, %", low=0.0, high=100.0), (perfect, *lines)),)


def _line(row: ComparisonRow) -> Line | None:
    found = row.evaluation.calibration if row.evaluation is not None else None
    if found is None or not found.bins:
        return None
    bins = sorted(found.bins, key=lambda one: one.confidence)
    bounds = [wilson(round(one.accuracy * one.images), one.images) for one in bins]
    return Line(
        row.model,
        row.slot,
        tuple(100 * one.confidence for one in bins),
        tuple(100 * one.accuracy for one in bins),
        intervals=tuple((100 * low, 100 * high) for low, high in bounds),
    )


CHART = ChartKind(
    key="calibration",
    title="Calibration",
    summary="How far every variant's confidence can be believed",
    note="%; below the dashed line a model is too sure of itself; 95 % Wilson intervals",
    missing="Measure accuracy first.",
    draw=_draw,
    order=5,
    blockers=no_blockers,
)
