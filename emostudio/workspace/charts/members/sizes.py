"""The sizes of every variant, each with its own meaning; none stands for another."""

from __future__ import annotations

from collections.abc import Callable

from emostudio.workspace.charts.base import Bar, Bars, ChartKind, Panel, Scale
from emostudio.workspace.charts.decimals import shared_decimals
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import SIZES


def _draw(material: Material) -> tuple[Panel, ...]:
    rows = material.comparison.rows
    panels = [_panel(rows, size.title, size.unit, size.value, size.meaning) for size in SIZES]
    return tuple(panel for panel in panels if panel is not None)


def _panel(
    rows: tuple[ComparisonRow, ...],
    title: str,
    unit: str,
    value: Callable[[ComparisonRow], float | None],
    note: str,
) -> Bars | None:
    values = [value(row) for row in rows]
    known = [number for number in values if number is not None]
    if not known:
        return None
    bars = tuple((Bar(number, None, row.slot),) for row, number in zip(rows, values, strict=True))
    names = tuple(row.model for row in rows)
    decimals = shared_decimals(known)
    return Bars(f"{title}, {unit}", Scale(unit), names, (("", 0),), bars, decimals, note)


CHART = ChartKind(
    key="sizes",
    title="Memory and size",
    summary="Disk, memory, parameters and multiply-adds of every variant",
    note="smaller is better; counted, Resident a median of three processes; no intervals",
    missing="There is no model to show.",
    draw=_draw,
    order=8,
)
