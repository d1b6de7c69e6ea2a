"""Accuracy, time and speed of every variant as bars from zero."""

from __future__ import annotations

from emostudio.workspace.charts.base import Bar, Bars, ChartKind, Panel, Scale
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.decimals import shared_decimals


def _draw(material: Material) -> tuple[Panel, ...]:
    rows = material.comparison.rows
    base = material.comparison.baseline
    times = [_time(row) for row in rows]
    decimals = shared_decimals([bar.value for bar in times if bar.value is not None])
    panels = (
        _panel("Accuracy", "%", rows, [_accuracy(row) for row in rows], "95 % Wilson intervals"),
        _panel("Inference p50", "ms", rows, times,
               "Median of single pictures; 95 % interval over blocks", decimals),
        _panel("Speed", f"{base} = 1×", rows, [_speed(row) for row in rows],
               "Paired over interleaved blocks, 95 % interval", 2),
        _panel("Macro-F1", "0 to 1", rows,
               [Bar(row.macro_f1, row.macro_f1_interval, row.slot) for row in rows],
               "Every emotion counts alike; 95 % interval", 3),
    )  # fmt: skip
    return tuple(panel for panel in panels if panel is not None)


def _panel(
    title: str,
    unit: str,
    rows: tuple[ComparisonRow, ...],
    bars: list[Bar],
    note: str,
    decimals: int = 1,
) -> Bars | None:
    if all(bar.value is None for bar in bars):
        return None
    names = tuple(row.model for row in rows)
    values = tuple((bar,) for bar in bars)
    return Bars(f"{title}, {unit}", Scale(unit), names, (("", 0),), values, decimals, note)


def _accuracy(row: ComparisonRow) -> Bar:
    if row.accuracy is None:
        return Bar(None, None, row.slot)
    bounds = row.accuracy_interval
    return Bar(100 * row.accuracy, (100 * bounds[0], 100 * bounds[1]) if bounds else None, row.slot)


def _time(row: ComparisonRow) -> Bar:
    return Bar(row.latency_ms.p50 if row.latency_ms else None, row.latency_interval, row.slot)


def _speed(row: ComparisonRow) -> Bar:
    if row.is_baseline and row.latency_ms is not None:
        return Bar(1.0, None, row.slot)
    return Bar(row.speed.ratio, row.speed.interval, row.slot) if row.speed else Bar(None)


CHART = ChartKind(
    key="bars",
    title="Side by side",
    summary="Accuracy, time, speed and F1 of every variant",
    note="bars from zero, with 95 % intervals where they are known",
    missing="Measure accuracy or speed first.",
    draw=_draw,
    order=1,
)
