"""The overview page, or one chart, as SVG."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.paper_sheet import tables_figure
from emostudio.reports.picture import captioned, save_figure
from emostudio.reports.sheet import overview_page
from emostudio.reports.style import chart_style
from emostudio.workspace.charts.base import Chart


def _save(figure: Figure, path: Path, title: str) -> None:
    save_figure(figure, path, "svg", metadata={"Title": title, "Date": None})


def _write(report: Report, path: Path) -> None:
    with chart_style():
        _save(overview_page(report), path, report.title)


def _write_chart(report: Report, chart: Chart, path: Path) -> None:
    with chart_style():
        _save(captioned(report, chart), path, chart.title)


def _write_tables(report: PaperReport, path: Path) -> None:
    with chart_style():
        _save(tables_figure(report), path, report.title)


WRITER = Writer(
    "svg", "SVG", "Table and chart on one page, for editing and the web", _write, _write_tables,
    _write_chart, "picture",
)  # fmt: skip
