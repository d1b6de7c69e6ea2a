"""Accuracy against time: frontier, dominated and undecided variants, limits."""

from __future__ import annotations

from emostudio.statistics.pareto import Standing, frontier_order
from emostudio.workspace.charts.base import ChartKind, Line, Mark, MarkState, Panel, Plot, Scale
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import Comparison, ComparisonRow

_STATES: dict[str, MarkState] = {Standing.DOMINATED: "hollow", Standing.UNDECIDED: "ringed"}


def _draw(material: Material) -> tuple[Panel, ...]:
    found = material.comparison
    marks = [mark for row in found.rows if (mark := _mark(row)) is not None]
    if not marks:
        return ()
    lines = (_frontier(marks), *_limits(found, marks))
    x = Scale("Inference p50, ms (log), left is faster", is_log=True)
    return (Plot(x, Scale("Accuracy, %"), lines, tuple(marks)),)


def _mark(row: ComparisonRow) -> Mark | None:
    if row.latency_ms is None or row.accuracy is None:
        return None
    bounds = row.accuracy_interval
    return Mark(
        row.model,
        row.slot,
        row.latency_ms.p50,
        100 * row.accuracy,
        row.latency_interval,
        (100 * bounds[0], 100 * bounds[1]) if bounds else None,
        _STATES.get(row.standing, "filled"),
    )


def _frontier(marks: list[Mark]) -> Line:
    order = frontier_order([mark.x for mark in marks], [mark.y for mark in marks])
    corners = [marks[index] for index in order]
    xs = [mark.x for mark in corners] + [_edges(marks)[1]]
    ys = [mark.y for mark in corners] + [corners[-1].y]
    return Line("Frontier", 0, tuple(xs), tuple(ys), "frontier")


def _edges(marks: list[Mark]) -> tuple[float, float]:
    """Return the ends of the time axis, with room for names at the right."""
    xs = [mark.x for mark in marks]
    return min(xs) / 1.35, max(xs) * 1.9


def _limits(found: Comparison, marks: list[Mark]) -> list[Line]:
    lines, limits = [], found.limits
    bounds = [end for mark in marks for end in (mark.y_interval or (mark.y, mark.y))]
    if limits.most_ms is not None:
        ends = (min(bounds), max(bounds))
        words = f"at most {limits.most_ms:g} ms"
        lines.append(Line(words, 0, (limits.most_ms,) * 2, ends, "limit"))
    if limits.least_accuracy is not None:
        least = 100 * limits.least_accuracy
        lines.append(Line(f"at least {least:g} %", 0, _edges(marks), (least,) * 2, "limit"))
    return lines


CHART = ChartKind(
    key="pareto",
    title="Accuracy against time",
    summary="Who is faster at what cost in accuracy, with the frontier",
    note="%, higher is better",
    missing="Accuracy and speed of the same variant are not measured yet.",
    draw=_draw,
    order=0,
)
