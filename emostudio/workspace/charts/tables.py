"""A chart as numbers: every chart has its table one key away."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.workspace.charts.base import (
    Bar,
    Bars,
    Chart,
    Gallery,
    Line,
    Matrix,
    Panel,
    Plot,
    Radar,
)

Value = str | float | None
_STATES = {"filled": "frontier", "hollow": "dominated", "ringed": "not decided"}


@dataclass(frozen=True)
class Numbers:
    """One table: heads with units, and rows of words and numbers; None is not known."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def numbers(chart: Chart) -> tuple[Numbers, ...]:
    """Return what a chart shows, intervals included, one table per panel and kind of thing."""
    tables = [table for panel in chart.panels for table in _tables(panel)]
    return tuple(
        table if table.title else Numbers(chart.title, table.heads, table.rows) for table in tables
    )


def _tables(panel: Panel) -> list[Numbers]:
    if isinstance(panel, Plot):
        return _of_plot(panel)
    if isinstance(panel, Bars):
        return [_of_bars(panel)]
    if isinstance(panel, Radar):
        rows = tuple((name, *values) for name, _, values in panel.rings)
        return [Numbers(panel.title, ("variant", *panel.axes), rows)]
    return [_of_gallery(panel) if isinstance(panel, Gallery) else _of_matrix(panel)]


def _of_plot(plot: Plot) -> list[Numbers]:
    tables = []
    if plot.marks:
        heads = (
            "variant", plot.x.title, "low", "high", plot.y.title, "low", "high", "standing",
        )  # fmt: skip
        rows = tuple(
            (
                mark.name, mark.x, *(mark.x_interval or (None, None)), mark.y,
                *(mark.y_interval or (None, None)), _STATES[mark.state],
            )
            for mark in plot.marks
        )  # fmt: skip
        tables.append(Numbers(plot.title, heads, rows))
    lines = [line for line in plot.lines if line.role in {"full", "thin"}]
    if lines:
        points = tuple(row for line in lines for row in _line_rows(line))
        tables.append(
            Numbers(plot.title, ("variant", plot.x.title, plot.y.title, "low", "high"), points)
        )
    return tables


def _line_rows(line: Line) -> list[tuple[Value, ...]]:
    bounds = line.intervals or (None,) * len(line.xs)
    return [
        (line.name, x, y, *(interval or (None, None)))
        for x, y, interval in zip(line.xs, line.ys, bounds, strict=True)
    ]


def _of_bars(bars: Bars) -> Numbers:
    has_series = len(bars.series) > 1
    heads = ("row", *(("series",) if has_series else ()), bars.title, "low", "high")
    rows = tuple(
        _bar_row((name, series) if has_series else (name,), bar)
        for name, row in zip(bars.rows, bars.values, strict=True)
        for (series, _), bar in zip(bars.series, row, strict=True)
    )
    return Numbers(bars.title, heads, rows)


def _bar_row(names: tuple[str, ...], bar: Bar) -> tuple[Value, ...]:
    return (*names, bar.value, *(bar.interval or (None, None)))


def _of_gallery(gallery: Gallery) -> Numbers:
    heads = ("picture", "truth", "baseline", "variant", "change")
    rows = tuple((one.item, one.truth, one.before, one.now, one.state) for one in gallery.pictures)
    return Numbers(f"{gallery.title}: {gallery.note}", heads, rows)


def _of_matrix(matrix: Matrix) -> Numbers:
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (name, *shares) for name, shares in zip(matrix.rows, matrix.values, strict=True)
    )
    heads = ("truth, % given as", *matrix.columns)
    return Numbers(f"{matrix.title}, {matrix.note}", heads, rows)
