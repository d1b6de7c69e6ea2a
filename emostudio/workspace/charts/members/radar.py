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
        axes[name] = _against(rows, value, lambda own, best: own / best, max)
    for name, value in _LESS:
        axes[name] = _against(rows, value, lambda own, best: best / own, min)
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


def _against(
    rows: tuple[ComparisonRow, ...],
    value: _Value,
    share: Callable[[float, float], float],
    best_of: Callable[[list[float]], float],
) -> list[float | None]:
    values = [value(row) for row in rows]
    known = [number for number in values if number]
    if not known:
        return [None] * len(rows)
    best = best_of(known)
    return [share(number, best) if number else None for number in values]


CHART = ChartKind(
    key="radar",
    title="Strengths",
    summary="Accuracy, speed and sizes of every variant against the best of those shown",
    note="outermost is the best of those shown; intervals stand in the table and in the bars",
    missing="Strengths show from two models and three measured quantities on.",
    draw=_draw,
    order=2,
)
