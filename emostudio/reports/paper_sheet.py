"""The paper's tables and curves as figures, in inches from the upper left corner."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from emostudio.paper.results import ColumnInfo, ErrorCurve, ResultCell, ResultTable
from emostudio.paper.words import MISSING, footer_words, has_accounting, paper_words
from emostudio.reports import palette
from emostudio.reports.base import PaperReport
from emostudio.reports.fitting import wrapped
from emostudio.reports.sheet import WIDTH_IN, draw_badge
from emostudio.reports.style import plain_axes

_MARGIN_IN = 0.45
_HEAD_IN, _ROW_IN, _TITLE_IN, _LINE_IN = 0.62, 0.36, 0.5, 0.16
_NAME_IN, _VERDICT_IN = 1.95, 0.95
_PANEL_IN, _PANELS_ACROSS = 2.1, 3
_INSIDE_IN = WIDTH_IN - 2 * _MARGIN_IN
_FINDING_SIZE, _FOOTER_SIZE = 7.4, 6.8


def table_figure(table: ResultTable) -> Figure:
    """Return one table with its curves, findings, caveats and facts on a page of its own."""
    figure = Figure(figsize=(WIDTH_IN, _height(table)))
    _draw(figure, table)
    return figure


def tables_figure(report: PaperReport) -> Figure:
    """Return all tables below each other."""
    heights = [_height(table) for table in report.tables]
    figure = Figure(figsize=(WIDTH_IN, sum(heights)))
    if len(report.tables) == 1:
        _draw(figure, report.tables[0])
        return figure
    shape = (len(report.tables), 1)
    parts: Any = figure.subfigures(*shape, squeeze=False, height_ratios=heights, hspace=0)
    for part, table in zip(parts[:, 0], report.tables, strict=True):
        _draw(part, table)
    return figure


def curves_figure(table: ResultTable) -> Figure | None:
    """Return the error curves alone, or None where there are none."""
    if not table.curves:
        return None
    figure = Figure(figsize=(WIDTH_IN, _panels_height(table)))
    _draw_panels(figure, table.curves, 0.0, _panels_height(table))
    return figure


def _panels_height(table: ResultTable) -> float:
    lines = -(-len(table.curves) // _PANELS_ACROSS)
    return _PANEL_IN * lines


def _height(table: ResultTable) -> float:
    lines = len(_finding_lines(table)) + len(_footer(table))
    rows_in = _HEAD_IN + _ROW_IN * len(table.rows)
    return 2 * _MARGIN_IN + _TITLE_IN + rows_in + _panels_height(table) + _LINE_IN * lines + 0.35


def _finding_lines(table: ResultTable) -> list[str]:
    found = (f"{item.verdict}: {item.title}. {item.words}" for item in table.findings)
    return [line for words in found for line in wrapped(words, _INSIDE_IN, _FINDING_SIZE)]


def _footer(table: ResultTable) -> list[str]:
    told = footer_words(table)
    return [line for words in told for line in wrapped(words, _INSIDE_IN, _FOOTER_SIZE)]


def _draw(figure: Figure | SubFigure, table: ResultTable) -> None:
    total, left = _height(table), _MARGIN_IN / WIDTH_IN
    y = _MARGIN_IN
    figure.text(left, 1 - (y + 0.12) / total, table.title, fontsize=14, weight=600)
    y += _TITLE_IN
    rows_in = _HEAD_IN + _ROW_IN * len(table.rows)
    bottom = 1 - (y + rows_in) / total
    axes = figure.add_axes((left, bottom, 1 - 2 * left, rows_in / total))
    _draw_rows(axes, table, rows_in)
    y += rows_in + 0.1
    if table.curves:
        _draw_panels(figure, table.curves, y, total)
        y += _panels_height(table)
    y += 0.2
    for line in _finding_lines(table):
        figure.text(left, 1 - y / total, line, fontsize=_FINDING_SIZE, color=palette.TEXT2)
        y += _LINE_IN
    for line in _footer(table):
        figure.text(left, 1 - y / total, line, fontsize=_FOOTER_SIZE, color=palette.TEXT3)
        y += _LINE_IN


def _slots(table: ResultTable) -> list[tuple[ColumnInfo, str, str]]:
    """Return the columns as drawn: what, whose, and how that is called."""
    slots = []
    for column in table.columns:
        slots += [(column, "paper", "paper"), (column, "ours", "ours")]
        if has_accounting(table, column):
            slots.append((column, "as_paper", "as the paper counts"))
    return slots


def _draw_rows(axes: Axes, table: ResultTable, height: float) -> None:
    width = WIDTH_IN - 2 * _MARGIN_IN
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    slots = _slots(table)
    step = (width - _NAME_IN - _VERDICT_IN) / max(1, len(slots))
    _draw_heads(axes, table, slots, step)
    axes.plot([0, width], [_HEAD_IN - 0.05] * 2, color=palette.LINE2, linewidth=0.8)
    for place, row in enumerate(table.rows):
        y = _HEAD_IN + _ROW_IN * (place + 0.5)
        style = "italic" if row.is_extra else "normal"
        axes.text(0, y, row.title, fontsize=7.6, weight=500, va="center", style=style)
        for number, (column, whose, _) in enumerate(slots):
            right = _NAME_IN + step * (number + 1)
            _draw_cell(axes, row.cells.get(column.key, ResultCell()), column, whose, (right, y))
        draw_badge(axes, row.verdict, width - _VERDICT_IN + 0.12, y)
        bottom = y + _ROW_IN / 2
        axes.plot([0, width], [bottom, bottom], color=palette.LINE, linewidth=0.6)


def _draw_heads(
    axes: Axes, table: ResultTable, slots: Sequence[tuple[ColumnInfo, str, str]], step: float
) -> None:
    for number, (_, _, word) in enumerate(slots):
        right = _NAME_IN + step * (number + 1)
        for line, text in enumerate(wrap(word, 12)[-2:]):
            y = 0.34 + 0.12 * line if len(word) > 12 else 0.46
            axes.text(right, y, text, fontsize=6.6, color=palette.TEXT3, ha="right", va="center")
    for column in table.columns:
        own = [place for place, slot in enumerate(slots) if slot[0] is column]
        start = _NAME_IN + step * own[0] + 0.15
        end = _NAME_IN + step * (own[-1] + 1)
        unit = f", {column.unit}" if column.unit else ""
        axes.text(
            (start + end) / 2, 0.1, f"{column.title}{unit}", fontsize=7.2, weight=500,
            color=palette.TEXT2, ha="center", va="center",
        )  # fmt: skip
        axes.plot([start, end], [0.2, 0.2], color=palette.LINE, linewidth=0.7)


def _draw_cell(
    axes: Axes, cell: ResultCell, column: ColumnInfo, whose: str, place: tuple[float, float]
) -> None:
    x, y = place
    if whose == "paper":
        text = paper_words(cell.paper)
        axes.text(x, y, text, fontsize=7.6, color=palette.TEXT3, ha="right", va="center")
        return
    measured = cell.ours if whose == "ours" else cell.as_paper
    if measured is None:
        axes.text(x, y, MISSING, fontsize=7.6, color=palette.TEXT3, ha="right", va="center")
        return
    has_interval = measured.has_interval
    colour = palette.TEXT if whose == "ours" else palette.TEXT2
    number = f"{measured.value:,.{column.decimals}f}"
    axes.text(
        x, y - 0.065 if has_interval else y, number, fontsize=7.8, color=colour, ha="right",
        va="center", weight=600 if whose == "ours" else 400,
    )  # fmt: skip
    if has_interval:
        words = f"{measured.low:,.{column.decimals}f}–{measured.high:,.{column.decimals}f}"
        axes.text(x, y + 0.08, words, fontsize=6.2, color=palette.TEXT3, ha="right", va="center")


def _draw_panels(
    figure: Figure | SubFigure, curves: Sequence[ErrorCurve], top_in: float, total_in: float
) -> None:
    width = (1 - 2 * _MARGIN_IN / WIDTH_IN) / _PANELS_ACROSS
    for place, curve in enumerate(curves):
        line, across = divmod(place, _PANELS_ACROSS)
        left = _MARGIN_IN / WIDTH_IN + width * across + 0.03
        bottom = 1 - (top_in + _PANEL_IN * (line + 1) - 0.42) / total_in
        axes = figure.add_axes((left, bottom, width - 0.045, (_PANEL_IN - 0.75) / total_in))
        draw_error_curve(axes, curve)


def draw_error_curve(axes: Axes, curve: ErrorCurve) -> None:
    """Draw one figure of the paper: test error full, training error thin, the paper's dashed."""
    plain_axes(axes)
    epochs = range(1, len(curve.train_error) + 1)
    train = [100 * error for error in curve.train_error]
    style = palette.series(1)
    axes.plot(epochs, train, color=style.line, alpha=0.55, linewidth=0.9, label="training")
    known = [(e, 100 * v) for e, v in zip(epochs, curve.test_error, strict=True) if v is not None]
    if known:
        xs, ys = zip(*known, strict=True)
        axes.plot(xs, ys, color=style.line, linewidth=1.8, label="test")
        axes.plot(xs[-1:], ys[-1:], marker="o", color=style.line, markersize=4)
    if curve.paper_error is not None:
        axes.axhline(100 * curve.paper_error, color=palette.TEXT3, linewidth=0.9, dashes=(4, 3))
        words = f"{curve.paper_words}, dashed"
        axes.set_title(words, fontsize=6.5, color=palette.TEXT3, loc="right")
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=6.5)
    axes.set_title(f"{curve.reference}. {curve.title}", fontsize=8, weight=600, loc="left")
    axes.set_xlabel("Epoch; error in %, test full, training thin", fontsize=6.5, labelpad=2)
