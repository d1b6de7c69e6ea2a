"""Figures as picture files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from emostudio.core.atomic import atomic_file
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.drawing.figure import chart_figure
from emostudio.reports.paper_sheet import tables_figure
from emostudio.reports.sheet import overview_page
from emostudio.reports.style import chart_style
from emostudio.workspace.charts.base import Chart


def picture_writer(
    key: str, title: str, summary: str, *, metadata: dict[str, None] | None = None, **options: Any
) -> Writer:
    """Return a writer of the overview page, of one chart or of the paper's tables as a picture.

    Parameters
    ----------
    key, title, summary
        As in `Writer`; the key is matplotlib's name of the format, too.
    metadata
        What stands in the file beside the title; None leaves out what matplotlib would write.
    options
        Passed to `Figure.savefig`.
    """

    def save(draw: Callable[[], Figure], path: Path, heading: str) -> None:
        known = {"Title": heading, **(metadata or {})}
        with chart_style():
            save_figure(draw(), path, key, metadata=known, **options)

    def write(report: Report, path: Path) -> None:
        save(lambda: overview_page(report), path, report.title)

    def write_chart(report: Report, chart: Chart, path: Path) -> None:
        save(lambda: captioned(report, chart), path, chart.title)

    def write_tables(report: PaperReport, path: Path) -> None:
        save(lambda: tables_figure(report), path, report.title)

    return Writer(key, title, summary, write, write_tables, write_chart, "picture")


def save_figure(figure: Figure, path: Path, kind: str, **options: Any) -> None:
    """Write a figure as ``png`` or ``svg``; call inside `style.chart_style`."""
    with atomic_file(path) as stream:
        figure.savefig(stream, format=kind, **options)


def captioned(report: Report, chart: Chart) -> Figure:
    """Draw a chart at its print size, with what an export must say below it."""
    return chart_figure(chart, report.caption_of(chart))
