"""All pages as PDF, or one chart at its print size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from emostudio.core.atomic import atomic_file
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.drawing.figure import chart_figure
from emostudio.reports.paper_sheet import table_figure
from emostudio.reports.picture import captioned
from emostudio.reports.sheet import OVERVIEW_CHART, WIDTH_IN, overview_page
from emostudio.reports.style import chart_style
from emostudio.workspace.charts.base import Chart


def _save(figures: Iterable[Figure], path: Path, title: str, created: datetime) -> None:
    metadata = {"Title": title, "Creator": "EmoStudio", "CreationDate": created}
    with chart_style(), atomic_file(path) as stream, PdfPages(stream, metadata=metadata) as book:
        for figure in figures:
            book.savefig(figure)


def _pages(report: Report) -> Iterator[Figure]:
    yield overview_page(report)
    for chart in report.charts:
        if chart.key != OVERVIEW_CHART:
            yield chart_figure(chart, f"{report.fact_words}.", WIDTH_IN)


def _write(report: Report, path: Path) -> None:
    _save(_pages(report), path, report.title, report.created)


def _write_chart(report: Report, chart: Chart, path: Path) -> None:
    figures = (captioned(report, one) for one in (chart,))  # drawn inside the chart style
    _save(figures, path, chart.title, report.created)


def _write_tables(report: PaperReport, path: Path) -> None:
    _save(map(table_figure, report.tables), path, report.title, report.created)


WRITER = Writer(
    "pdf", "PDF", "Table and every chart, for reading and printing", _write, _write_tables,
    _write_chart,
)  # fmt: skip
