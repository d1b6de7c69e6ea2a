"""All pages as PDF."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from emostudio.core.atomic import atomic_file
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.paper_sheet import table_figure
from emostudio.reports.sheet import confusion_page, curves_page, overview_page
from emostudio.reports.style import chart_style


def _write(report: Report, path: Path) -> None:
    metadata = {"Title": report.title, "Creator": "EmoStudio", "CreationDate": report.created}
    pages = (overview_page, confusion_page, curves_page)
    with chart_style(), atomic_file(path) as stream, PdfPages(stream, metadata=metadata) as book:
        for page in pages:
            figure = page(report)
            if figure is not None:
                book.savefig(figure)


def _write_tables(report: PaperReport, path: Path) -> None:
    metadata = {"Title": report.title, "Creator": "EmoStudio", "CreationDate": report.created}
    with chart_style(), atomic_file(path) as stream, PdfPages(stream, metadata=metadata) as book:
        for table in report.tables:
            book.savefig(table_figure(table))


WRITER = Writer(
    "pdf", "PDF", "Table, chart, confusion matrices and training curves", _write, _write_tables
)
