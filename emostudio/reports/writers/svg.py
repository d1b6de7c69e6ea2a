"""The overview page as SVG."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.atomic import atomic_file
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.paper_sheet import tables_figure
from emostudio.reports.sheet import overview_page
from emostudio.reports.style import chart_style


def _write(report: Report, path: Path) -> None:
    with chart_style(), atomic_file(path) as stream:
        overview_page(report).savefig(
            stream, format="svg", metadata={"Title": report.title, "Date": None}
        )


def _write_tables(report: PaperReport, path: Path) -> None:
    with chart_style(), atomic_file(path) as stream:
        tables_figure(report).savefig(
            stream, format="svg", metadata={"Title": report.title, "Date": None}
        )


WRITER = Writer(
    "svg", "SVG", "Table and chart on one page, for editing and the web", _write, _write_tables
)
