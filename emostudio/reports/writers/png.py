"""The overview page as PNG."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.atomic import atomic_file
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.paper_sheet import tables_figure
from emostudio.reports.sheet import overview_page
from emostudio.reports.style import chart_style

_DOTS_PER_INCH = 200


def _write(report: Report, path: Path) -> None:
    with chart_style(), atomic_file(path) as stream:
        overview_page(report).savefig(
            stream, format="png", dpi=_DOTS_PER_INCH, metadata={"Title": report.title}
        )


def _write_tables(report: PaperReport, path: Path) -> None:
    with chart_style(), atomic_file(path) as stream:
        tables_figure(report).savefig(
            stream, format="png", dpi=_DOTS_PER_INCH, metadata={"Title": report.title}
        )


WRITER = Writer("png", "PNG", "Table and chart as a picture, for slides", _write, _write_tables)
