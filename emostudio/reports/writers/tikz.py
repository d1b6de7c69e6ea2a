"""Charts as pgfplots code, for a paper that draws them in its own fonts."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.paper.words import footer_words
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.paper_charts import curve_charts
from emostudio.reports.pgf.document import document
from emostudio.reports.tex_text import comment
from emostudio.workspace.charts.base import Chart


def _write(report: Report, path: Path) -> None:
    write_text(path, document(report.charts, report.caption))


def _write_chart(report: Report, chart: Chart, path: Path) -> None:
    write_text(path, document([chart], report.caption_of(chart)))


def _write_tables(report: PaperReport, path: Path) -> None:
    """Write the error curves; tables are for the format tex."""
    parts = [comment(report.title)]
    for table in report.tables:
        words = footer_words(table)
        parts += [comment(line) for line in words]
        parts.append(document(curve_charts(table), words[-1]))
    write_text(path, "\n".join(parts))


WRITER = Writer(
    "tikz", "pgfplots", "Every chart as code for LaTeX, in the paper's own fonts", _write,
    _write_tables, _write_chart, "picture",
)  # fmt: skip
