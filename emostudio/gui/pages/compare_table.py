"""Columns and rows of the comparison, in the shape of the paper's Table 2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, IntervalScale, Row
from emostudio.statistics.verdicts import Verdict, is_proved_loss
from emostudio.workspace.comparison import Comparison, ComparisonRow
from emostudio.workspace.sizes import SIZES, Size

SIMULATED = "simulated"
_SHORT = {"parameters": "Param.", "training_memory": "Training"}
_ORDER = {verdict.value: place for place, verdict in enumerate(Verdict)}
_INTERVAL_WIDTH = 128
_INTERVAL_WIDTH_WIDE = 170

_Value = Callable[[ComparisonRow], float | None]


def _tr(text: str) -> str:
    return QCoreApplication.translate("ComparePage", text)


def columns(comparison: Comparison, *, is_wide: bool = False) -> tuple[Column, ...]:
    """Return all columns, with the scales that intervals share."""
    wide = _INTERVAL_WIDTH_WIDE if is_wide else _INTERVAL_WIDTH
    speed, accuracy = _speed_scale(comparison.rows), _accuracy_scale(comparison.rows)
    return (
        Column("variant", _tr("Variant")),
        Column("engine", _tr("Engine"), width=92),
        _number("training", _tr("Train"), _tr("ms/step"), 62),
        _number("p50", "p50", "ms", 58, _tr("Half of all images took less")),
        _number("p95", "p95", "ms", 58, _tr("95 % of all images took less")),
        _number("p99", "p99", "ms", 58, _tr("99 % of all images took less")),
        _number("speed", _tr("Speed"), _tr("teacher = 1×, 95 %"), wide, scale=speed),
        *(_size_column(size) for size in SIZES),
        _number("accuracy", _tr("Accuracy"), "%, 95 %", wide, scale=accuracy),
        _number("f1", "F1", _tr("macro"), 58),
        _number(
            "calibration", _tr("Cal. error"), _tr("in points"), 70, _tr("Confidence less accuracy")
        ),
        Column("verdict", _tr("Verdict"), width=116),
    )


def _size_column(size: Size) -> Column:
    title = _SHORT.get(size.key, size.title)
    return _number(size.key, _tr(title), _tr(size.unit), 64, _tr(size.meaning))


def _number(
    key: str,
    title: str,
    unit: str,
    width: int,
    tooltip: str = "",
    *,
    scale: IntervalScale | None = None,
) -> Column:
    return Column(key, title, unit, is_number=True, width=width, scale=scale, tooltip=tooltip)


def measured_keys(comparison: Comparison, *, is_wide: bool = False) -> tuple[str, ...]:
    """Return the columns worth showing at first: some only with room, if measured."""
    extra = {
        "training": any(row.training_step_ms is not None for row in comparison.rows),
        "calibration": any(
            row.evaluation and row.evaluation.calibration for row in comparison.rows
        ),
    }
    sizes = {size.key: size for size in SIZES}
    for key in ("peak", "training_memory"):
        extra[key] = any(sizes[key].value(row) is not None for row in comparison.rows)
    keys = [column.key for column in columns(comparison)]
    return tuple(key for key in keys if key not in extra or (extra[key] and is_wide))


def rows(comparison: Comparison) -> list[Row]:
    """Return one row per model."""
    numbers = {
        "training": _numbers(comparison.rows, lambda r: r.training_step_ms, tone="text2"),
        "p50": _numbers(comparison.rows, _percentile("p50"), best=min),
        "p95": _numbers(comparison.rows, _percentile("p95"), tone="text2"),
        "p99": _numbers(comparison.rows, _percentile("p99"), tone="text2"),
        **{size.key: _numbers(comparison.rows, size.value, best=min) for size in SIZES},
        "f1": _numbers(comparison.rows, lambda r: r.macro_f1, decimals=3),
    }
    accuracies = _accuracies(comparison.rows)
    found = []
    for place, row in enumerate(comparison.rows):
        cells = {key: column[place] for key, column in numbers.items()}
        tip = row.recipe or row.architecture
        cells["variant"] = Cell(row.model, slot=row.slot, tooltip=f"{row.model}: {tip}")
        if row.engine:
            why = row.bench.engine_why if row.bench is not None else ""
            tip = f"{row.engine}: {why}" if why else ""
            cells["engine"] = Cell(row.engine, tone="text2", tooltip=tip)
        cells["p50"] = replace(cells["p50"], tooltip=_steadiness_words(row))
        cells["calibration"] = _calibration(row)
        cells["speed"] = _speed(row)
        cells["accuracy"] = accuracies[place]
        if row.verdict:
            cells["verdict"] = Cell(
                row.verdict,
                _ORDER.get(row.verdict, 9),
                verdict=row.verdict.lower(),
                tooltip=_judgement(row),
            )
        found.append(Row(row.model, cells))
    return found


def _judgement(row: ComparisonRow) -> str:
    if not row.judged_against:
        return ""
    words = _tr("Against {0}").format(row.judged_against)
    return f"{words}: {row.verdict_reason}" if row.verdict_reason else words


def _numbers(
    found: Sequence[ComparisonRow],
    value: _Value,
    *,
    best: Callable[[list[float]], float] | None = None,
    decimals: int | None = None,
    tone: str = "text",
) -> list[Cell]:
    values = [value(row) for row in found]
    known = [number for number in values if number is not None]
    places = _decimals(known) if decimals is None else decimals
    winner = best(known) if best is not None and len(set(known)) > 1 else None
    return [
        EMPTY_CELL
        if number is None
        else Cell(f"{number:,.{places}f}", number, tone=tone, is_bold=number == winner)
        for number in values
    ]


def _decimals(known: Sequence[float]) -> int:
    # As many as the smallest number needs for two digits; milliseconds and megabytes get one.
    smallest = min((number for number in known if number > 0), default=100.0)
    if smallest >= 100:
        return 0
    return 1 if smallest >= 1 else min(4, 1 - math.floor(math.log10(smallest)))


def _percentile(name: str) -> _Value:
    def value(row: ComparisonRow) -> float | None:
        found: float | None = getattr(row.latency_ms, name) if row.latency_ms else None
        return found

    return value


def _speed(row: ComparisonRow) -> Cell:
    if row.kernels == SIMULATED:
        return Cell(_tr("no real kernel"), 0.0, tone="text3")
    if row.is_baseline:
        return Cell("1×", 1.0, tone="text2") if row.latency_ms else EMPTY_CELL
    if row.speed is None:
        return EMPTY_CELL
    low, high = row.speed.interval
    return Cell(
        f"{row.speed.ratio:.2f}×",
        row.speed.ratio,
        interval=(low, row.speed.ratio, high),
        interval_slot=row.slot,
        tooltip=f"{row.speed.ratio:.2f}× ({low:.2f}–{high:.2f}): {row.speed.verdict}",
    )


def _steadiness_words(row: ComparisonRow) -> str:
    steady = row.bench.steadiness if row.bench is not None else None
    if steady is None:
        return ""
    low, high = steady.drift_interval
    outliers = _tr("{0} mild and {1} far outliers of {2} queries, none left out").format(
        steady.mild_outliers, steady.far_outliers, f"{row.bench.samples:,}" if row.bench else ""
    )
    drift = _tr("drift {0} % ({1} to {2})").format(
        f"{steady.drift_percent:+.1f}", f"{low:+.1f}", f"{high:+.1f}"
    )
    return f"{outliers}; {drift}"


def _calibration(row: ComparisonRow) -> Cell:
    found = row.evaluation.calibration if row.evaluation is not None else None
    if found is None:
        return EMPTY_CELL
    tip = _tr("{0} points would be chance (up to {1})").format(
        f"{100 * found.floor:.1f}", f"{100 * found.floor_high:.1f}"
    )
    if found.temperature is not None and found.error_scaled is not None:
        tip += _tr("; {0} with temperature {1}").format(
            f"{100 * found.error_scaled:.1f}", f"{found.temperature:.2f}"
        )
    return Cell(f"{100 * found.error:.1f}", found.error, tooltip=tip)


def _accuracies(found: Sequence[ComparisonRow]) -> list[Cell]:
    known = [row.accuracy for row in found if row.accuracy is not None]
    winner = max(known) if len(set(known)) > 1 else None
    cells = []
    for row in found:
        if row.accuracy is None:
            cells.append(EMPTY_CELL)
            continue
        low, high = row.accuracy_interval or (row.accuracy, row.accuracy)
        cell = Cell(
            f"{100 * row.accuracy:.1f}",
            row.accuracy,
            is_bold=row.accuracy == winner,
            interval=(low, row.accuracy, high),
            interval_slot=row.slot,
            has_lost=is_proved_loss(row.paired),
            is_hollow=row.kernels == SIMULATED,
        )
        tip = f"{100 * row.accuracy:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
        cells.append(replace(cell, tooltip=tip))
    return cells


def _speed_scale(found: Sequence[ComparisonRow]) -> IntervalScale | None:
    ends = [end for row in found if row.speed is not None for end in row.speed.interval]
    if not ends:
        return None
    return IntervalScale(min(1.0, *ends), max(1.0, *ends), 1.0, is_log=True)


def _accuracy_scale(found: Sequence[ComparisonRow]) -> IntervalScale | None:
    ends = [end for row in found if row.accuracy_interval for end in row.accuracy_interval]
    if not ends:
        return None
    base = next((row.accuracy for row in found if row.is_baseline), None)
    return IntervalScale(min(ends), max(ends), base)
