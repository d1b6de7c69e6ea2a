"""Columns and rows of the comparison, in the shape of the paper's Table 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from emostudio.core.units import signed
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.data_table import fits
from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, IntervalScale, Row
from emostudio.statistics.verdicts import Verdict, is_proved_loss
from emostudio.workspace.comparison import Comparison, ComparisonRow
from emostudio.workspace.figures import FIGURES, Figure, best_of, texts

SIMULATED = "simulated"
_ORDER = {verdict.value: place for place, verdict in enumerate(Verdict)}
_WIDTH = 64
_WIDTHS = {"training": 62, "p50": 58, "p95": 58, "p99": 58, "f1": 58, "calibration": 70}
_INTERVAL_WIDTH = 128
_INTERVAL_WIDTH_WIDE = 170
_QUIET = ("training", "p95", "p99")
"""Columns that stand back behind the others."""
_IF_ROOM = ("training", "calibration", "peak", "training_memory")
"""Columns that only wide windows show at first, if they were measured; the most wanted first."""
_SCROLL_BAR = 14
_WIDE_ROOM = SPACE.wide_from - SPACE.rail_wide - 2 * (SPACE.page + SPACE.l) - _SCROLL_BAR
"""What the table has in the smallest window that counts as wide, in pixels."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("ComparePage", text)


def columns(comparison: Comparison, *, is_wide: bool = False) -> tuple[Column, ...]:
    """Return all columns, with the scales that intervals share."""
    scales = {
        "speed": _speed_scale(comparison.rows),
        "accuracy": _accuracy_scale(comparison.rows),
    }
    wide = _INTERVAL_WIDTH_WIDE if is_wide else _INTERVAL_WIDTH
    found = [Column("variant", _tr("Variant")), Column("engine", _tr("Engine"), width=92)]
    for figure in FIGURES:
        has_scale = figure.key in scales
        unit = _tr(figure.unit)
        column = Column(
            figure.key,
            _tr(figure.head),
            f"{unit}, 95 %" if has_scale else unit,
            is_number=True,
            width=wide if has_scale else _WIDTHS.get(figure.key, _WIDTH),
            scale=scales.get(figure.key),
            tooltip=_tr(figure.meaning),
        )
        found.append(column)
    return (*found, Column("verdict", _tr("Verdict"), width=116))


def measured_keys(comparison: Comparison, *, is_wide: bool = False) -> tuple[str, ...]:
    """Return the columns worth showing at first: some only in wide windows, if measured.

    Names must stay readable: more is added only as far as it fits beside them.
    """
    known = {column.key: column for column in columns(comparison, is_wide=is_wide)}
    shown = [key for key in known if key not in _IF_ROOM]
    figures = {figure.key: figure for figure in FIGURES}
    for key in _IF_ROOM if is_wide else ():
        is_measured = any(figures[key].value(row) is not None for row in comparison.rows)
        if is_measured and fits([known[name] for name in (*shown, key)], _WIDE_ROOM):
            shown.append(key)
    return tuple(key for key in known if key in shown)


def rows(comparison: Comparison) -> list[Row]:
    """Return one row per model."""
    numbers = {figure.key: _numbers(comparison.rows, figure) for figure in FIGURES}
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
        cells["calibration"] = replace(cells["calibration"], tooltip=_calibration_words(row))
        cells["f1"] = replace(
            cells["f1"], tooltip=_with_bounds(row.macro_f1, row.macro_f1_interval)
        )
        cells["speed"] = _speed(row)
        cells["accuracy"] = _accuracy(cells["accuracy"], row)
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


def _numbers(found: Sequence[ComparisonRow], figure: Figure) -> list[Cell]:
    values = [figure.value(row) for row in found]
    tone = "text2" if figure.key in _QUIET else "text"
    return [
        EMPTY_CELL if value is None else Cell(text, value, tone=tone, is_bold=is_best)
        for value, text, is_best in zip(
            values, texts(values, figure.decimals), best_of(figure, values), strict=True
        )
    ]


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
        tooltip=row.speed.verdict,
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
        signed(steady.drift_percent), signed(low), signed(high)
    )
    return f"{outliers}; {drift}"


def _with_bounds(value: float | None, bounds: tuple[float, float] | None) -> str:
    if value is None or bounds is None:
        return ""
    return f"{value:.3f} (95 % {bounds[0]:.3f}–{bounds[1]:.3f})"


def _calibration_words(row: ComparisonRow) -> str:
    found = row.evaluation.calibration if row.evaluation is not None else None
    if found is None:
        return ""
    tip = _tr("{0} points would be chance (up to {1})").format(
        f"{100 * found.floor:.1f}", f"{100 * found.floor_high:.1f}"
    )
    if found.temperature is not None and found.error_scaled is not None:
        tip += _tr("; {0} with temperature {1}").format(
            f"{100 * found.error_scaled:.1f}", f"{found.temperature:.2f}"
        )
    return tip


def _accuracy(cell: Cell, row: ComparisonRow) -> Cell:
    if row.accuracy is None:
        return cell
    low, high = row.accuracy_interval or (row.accuracy, row.accuracy)
    return replace(
        cell,
        interval=(low, row.accuracy, high),
        interval_slot=row.slot,
        has_lost=is_proved_loss(row.paired),
        is_hollow=row.kernels == SIMULATED,
        tooltip=f"{cell.text} % ({100 * low:.1f}–{100 * high:.1f})",
    )


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
