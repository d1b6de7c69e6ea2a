"""The sizes of every variant, each with its own meaning; none stands for another."""

from __future__ import annotations

from emostudio.workspace.charts.base import Bar, Bars, ChartKind, Panel, Scale
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import SIZES, Figure, places


def _draw(material: Material) -> tuple[Panel, ...]:
    rows = material.comparison.rows
    panels = [_panel(rows, size) for size in SIZES]
    return tuple(panel for panel in panels if panel is not None)


def _panel(rows: tuple[ComparisonRow, ...], size: Figure) -> Bars | None:
    values = [size.value(row) for row in rows]
    if all(value is None for value in values):
        return None
    return Bars(
        f"{size.title}, {size.unit}",
        Scale(size.unit),
        tuple(row.model for row in rows),
        (("", 0),),
        tuple((Bar(value, None, row.slot),) for row, value in zip(rows, values, strict=True)),
        places(values, size.decimals),
        size.meaning,
    )


CHART = ChartKind(
    key="sizes",
    title="Memory and size",
    summary="Disk, memory, parameters and multiply-adds of every variant",
    note="smaller is better; counted, Resident a median of three processes; no intervals",
    missing="There is no model to show.",
    draw=_draw,
    order=8,
)
