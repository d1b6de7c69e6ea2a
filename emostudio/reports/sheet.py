"""The first page of a comparison as a figure: findings, table, accuracy against time, footer."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from emostudio.reports import palette
from emostudio.reports.base import Report
from emostudio.reports.drawing.key import key_handles
from emostudio.reports.drawing.plot import draw_plot
from emostudio.reports.fitting import shortened, width_in, wrapped
from emostudio.reports.table import (
    Column,
    Strip,
    accuracy_strips,
    cells,
    shown_columns,
    speed_strips,
)
from emostudio.workspace.charts.base import Plot
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.findings import findings

OVERVIEW_CHART = "pareto"
"""Key of the chart that stands on the first page."""
WIDTH_IN = 11.69
"""A4 across."""
_ROW_IN = 0.27
_HEAD_IN = 0.55
_MARGIN_IN = 0.45
_CHART_IN = 3.6
_LINE_IN = 0.17
_NAME_IN, _VERDICT_IN, _STRIP_IN = 2.1, 1.0, 0.6
_SIGN_IN, _GAP_IN = 0.36, 0.08
"""What a row's line and mark take before its name, and what is left free behind it."""
_INSIDE_IN = WIDTH_IN - 2 * _MARGIN_IN
_TITLE_SIZE, _SENTENCE_SIZE, _FOOTER_SIZE = 15, 8.5, 6.8
_NAME_SIZE, _SMALL_NAME_SIZE = 8, 6.2
_TITLE_LINE_IN = 0.27


def overview_page(report: Report) -> Figure:
    """Return the table above the Pareto chart, with sentences and footer."""
    rows = report.comparison.rows
    footer, (title, sentences) = footer_lines(report), _heading_lines(report)
    table_in = _HEAD_IN + _ROW_IN * len(rows)
    heights = [
        _MARGIN_IN + 0.15 + _TITLE_LINE_IN * len(title) + _LINE_IN * len(sentences),
        table_in,
        0.55 + _CHART_IN,
        0.55 + _LINE_IN * len(footer) + _MARGIN_IN * 0.6,
    ]
    total = sum(heights)
    figure = Figure(figsize=(WIDTH_IN, total))
    _heading(figure, title, sentences, total)
    left, width = _MARGIN_IN / WIDTH_IN, 1 - 2 * _MARGIN_IN / WIDTH_IN
    table = figure.add_axes(
        (left, (total - heights[0] - table_in) / total, width, table_in / total)
    )
    _draw_table(table, rows)
    chart_bottom = heights[3] / total
    chart = figure.add_axes((left + 0.03, chart_bottom, width - 0.03, (_CHART_IN - 0.1) / total))
    title_y = chart_bottom + (_CHART_IN + 0.12) / total
    figure.text(left, title_y, "Accuracy against time", fontsize=10, weight=600)
    figure.text(left + 0.155, title_y, "%, higher is better", fontsize=8, color=palette.TEXT3)
    plot = next((c.panels[0] for c in report.charts if c.key == OVERVIEW_CHART), None)
    if isinstance(plot, Plot):
        draw_plot(chart, plot)
        _legend(figure, plot, 1 - left, title_y)
    else:
        chart.set_axis_off()
        chart.text(0.5, 0.5, "Neither time nor accuracy was measured", ha="center", va="center")
    _footer(figure, footer, left, total)
    return figure


def footer_lines(report: Report) -> list[str]:
    """Return the caption every export carries, wrapped."""
    made = f"Written {report.created:%Y-%m-%d %H:%M} UTC by EmoStudio"
    text = ". ".join(part for part in (report.fact_words, *report.caveats, made) if part) + "."
    return wrapped(text, _INSIDE_IN, _FOOTER_SIZE)


def _heading_lines(report: Report) -> tuple[list[str], list[str]]:
    """Return the lines of the title and of the sentences below it."""
    title = wrapped(report.title, _INSIDE_IN, _TITLE_SIZE, 600)
    told = findings(report.comparison)
    return title, [line for one in told for line in wrapped(one, _INSIDE_IN, _SENTENCE_SIZE)]


def _heading(figure: Figure, title: Sequence[str], sentences: Sequence[str], total: float) -> None:
    left, y = _MARGIN_IN / WIDTH_IN, 1 - (_MARGIN_IN + 0.12) / total
    for line in title:
        figure.text(left, y, line, fontsize=_TITLE_SIZE, weight=600)
        y -= _TITLE_LINE_IN / total
    for line in sentences:
        figure.text(left, y, line, fontsize=_SENTENCE_SIZE, color=palette.TEXT2)
        y -= _LINE_IN / total


def _draw_table(axes: Axes, rows: Sequence[ComparisonRow]) -> None:
    """Draw in inches: the axes' data units are inches from the upper left corner."""
    width, height = WIDTH_IN - 2 * _MARGIN_IN, _HEAD_IN + _ROW_IN * len(rows)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    columns = shown_columns(rows)
    strips = {"speed_ratio": speed_strips(rows), "accuracy_percent": accuracy_strips(rows)}
    extra = sum(_STRIP_IN for column in columns if column.key in strips)
    letters = [_letters(column, rows) for column in columns]
    letter = (width - _NAME_IN - _VERDICT_IN - extra) / max(1, sum(letters))
    _head(axes, 0.0, "", "Variant", "", "left")
    right = _NAME_IN
    for column, count in zip(columns, letters, strict=True):
        step = letter * count
        right += step + (_STRIP_IN if column.key in strips else 0.0)
        _head(axes, right, column.group, column.title, column.unit, "right")
        _column(axes, column, rows, right)
        if column.key in strips:
            _strips(axes, strips[column.key], rows, right - step - _STRIP_IN + 0.16)
    _head(axes, width - _VERDICT_IN + 0.15, "", "Verdict", "", "left")
    axes.plot([0, width], [_HEAD_IN - 0.04] * 2, color=palette.LINE2, linewidth=0.8)
    for place, row in enumerate(rows):
        y = _HEAD_IN + _ROW_IN * (place + 0.5)
        _name(axes, row, y)
        draw_badge(axes, row.verdict, width - _VERDICT_IN + 0.15, y)
        axes.plot([0, width], [y + _ROW_IN / 2] * 2, color=palette.LINE, linewidth=0.6)


def _word(group: str, title: str) -> str:
    """Return what stands over a column."""
    if group == "Inference":
        return title
    name = f"{group} {title}" if group and group != "Memory" else title
    return name[0].upper() + name[1:]


def _head(axes: Axes, x: float, group: str, title: str, unit: str, align: str) -> None:
    word = _word(group, title)
    axes.text(x, 0.2, word, fontsize=7.5, weight=500, color=palette.TEXT2, ha=align, va="center")
    axes.text(x, 0.37, unit, fontsize=7, color=palette.TEXT3, ha=align, va="center")


def _letters(column: Column, rows: Sequence[ComparisonRow]) -> int:
    """Return the width of a column in letters, three of them empty."""
    texts = [
        _word(column.group, column.title),
        column.unit,
        *(cell.text for cell in cells(column, rows)),
    ]
    return 3 + max(len(text) for text in texts)


def _column(axes: Axes, column: Column, rows: Sequence[ComparisonRow], right: float) -> None:
    for place, cell in enumerate(cells(column, rows)):
        colour = palette.BAD if cell.is_loss else palette.TEXT
        if column.figure.value(rows[place]) is None:
            colour = palette.TEXT3
        words = f"▼ {cell.text}" if cell.is_loss else cell.text
        y = _HEAD_IN + _ROW_IN * (place + 0.5)
        weight = 600 if cell.is_best else 400
        axes.text(right, y, words, fontsize=8, weight=weight, color=colour, ha="right", va="center")


def _strips(
    axes: Axes, strips: Sequence[Strip | None], rows: Sequence[ComparisonRow], left: float
) -> None:
    for place, (strip, row) in enumerate(zip(strips, rows, strict=True)):
        if strip is None:
            continue
        y = _HEAD_IN + _ROW_IN * (place + 0.5)
        colour = palette.series(row.slot).line
        reference = left + _STRIP_IN * strip.reference
        half = _ROW_IN * 0.32
        axes.plot([reference] * 2, [y - half, y + half], color=palette.LINE2, linewidth=0.7)
        ends = [left + _STRIP_IN * strip.low, left + _STRIP_IN * strip.high]
        axes.plot(ends, [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
        axes.plot([left + _STRIP_IN * strip.centre], [y], marker="o", color=colour, markersize=3.6)


def _name(axes: Axes, row: ComparisonRow, y: float) -> None:
    style = palette.series(row.slot)
    dash = (0, style.dash) if style.dash else "solid"
    axes.plot([0.0, 0.26], [y, y], color=style.line, linewidth=1.5, linestyle=dash)
    axes.plot([0.13], [y], marker=style.marker, color=style.line, markersize=4.5)
    room = _NAME_IN - _SIGN_IN - _GAP_IN
    lines, size = [row.model], float(_NAME_SIZE)
    if width_in(row.model, _NAME_SIZE, 500) > room:
        size = _SMALL_NAME_SIZE
        first, *rest = wrapped(row.model, room, size, 500)
        lines = [first, shortened("".join(rest), room, size, 500)] if rest else [first]
    words = "\n".join(lines)
    axes.text(_SIGN_IN, y, words, fontsize=size, weight=500, va="center", linespacing=1.1)


def draw_badge(axes: Axes, verdict: str, x: float, y: float) -> None:
    """Draw a verdict with its left edge at `x`, in axes whose data units are inches."""
    badge = palette.BADGES.get(verdict)
    if badge is None:
        return
    width = 0.115 + 0.062 * len(verdict)
    box = FancyBboxPatch(
        (x, y - 0.085),
        width,
        0.17,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor=badge.fill,
        edgecolor=badge.ink if badge.dashed else badge.fill,
        linestyle="--" if badge.dashed else "-",
        linewidth=0.7,
    )
    axes.add_patch(box)
    axes.text(
        x + width / 2,
        y,
        verdict,
        fontsize=7.2,
        weight=500,
        color=badge.ink,
        ha="center",
        va="center",
    )


def _legend(figure: Figure, plot: Plot, right: float, y: float) -> None:
    figure.legend(
        handles=key_handles(plot),
        loc="lower right",
        bbox_to_anchor=(right, y - 0.002),
        ncols=4,
        frameon=False,
        fontsize=7.5,
        labelcolor=palette.TEXT2,
        handletextpad=0.5,
        columnspacing=1.4,
        borderaxespad=0,
        borderpad=0,
    )


def _footer(figure: Figure, lines: Sequence[str], left: float, total: float) -> None:
    for place, line in enumerate(reversed(lines)):
        y = (0.6 * _MARGIN_IN + _LINE_IN * place) / total
        figure.text(left, y, line, fontsize=_FOOTER_SIZE, color=palette.TEXT3)
