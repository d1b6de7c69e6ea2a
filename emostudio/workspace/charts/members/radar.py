"""Every variant's strengths at a glance, each against the best of those shown."""

from __future__ import annotations

from collections.abc import Callable

from emostudio.workspace.charts.base import ChartKind, Panel, Radar
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import ComparisonRow

_Value = Callable[[ComparisonRow], float | None]
_LEAST_AXES, _LEAST_ROWS = 3, 2

_MORE: tuple[tuple[str, _Value], ...] = (
    ("Accuracy", lambda row: row.accuracy),
    ("Macro-F1", lambda row: row.macro_f1),
)
_LESS: tuple[tuple[str, _Value], ...] = (
    ("Speed", lambda row: row.latency_ms.p50 if row.latency_ms else None),
    ("Small file", lambda row: float(row.disk_bytes)),
    ("Little memory", lambda row: row.resident_bytes),
    ("Few parameters", lambda row: row.parameters),
    ("Few MACs", lambda row: row.macs),
)


def _draw(material: Material) -> tuple[Panel, ...]:
    rows = material.comparison.rows
    axes: dict[str, list[float | None]] = {}
    for name, value in _MORE:
        axes[name] = _of_most(rows, value)
    for name, value in _LESS:
        axes[name] = _of_least(rows, value)
    known = {
        name: shares
        for name, shares in axes.items()
        if sum(share is not None for share in shares) >= _LEAST_ROWS
    }
    if len(known) < _LEAST_AXES:
        return ()
    rings = tuple(
        (row.model, row.slot, tuple(shares[place] for shares in known.values()))
        for place, row in enumerate(rows)
    )
    return (Radar(tuple(known), rings, note="1 is the best of those shown, 0.5 half as good"),)


def _of_most(rows: tuple[ComparisonRow, ...], value: _Value) -> list[float | None]:
    """Return shares of the highest; nothing at all is a value too."""
    values = [value(row) for row in rows]
    best = max((number for number in values if number is not None), default=0.0)
    return [None if number is None else number / best if best else 0.0 for number in values]


def _of_least(rows: tuple[ComparisonRow, ...], value: _Value) -> list[float | None]:
    """Return how many times each goes into the lowest; what is zero was not counted."""
    values = [value(row) for row in rows]
    best = min((number for number in values if number), default=0.0)
    return [best / number if number else None for number in values]


CHART = ChartKind(
    key="radar",
    title="Strengths",
    summary="Accuracy, speed and sizes of every variant against the best of those shown",
    note="outermost is the best of those shown; intervals stand in the table and in the bars",
    missing="Strengths show from two models and three measured quantities on.",
    draw=_draw,
    order=2,
)
