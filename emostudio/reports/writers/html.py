"""One self-contained HTML page: nothing is loaded from anywhere."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from emostudio.core.atomic import write_text
from emostudio.paper.words import cell_words, footer_words, has_accounting
from emostudio.reports import palette
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.drawing.figure import chart_figure
from emostudio.reports.paper_sheet import curves_figure
from emostudio.reports.style import chart_style
from emostudio.reports.table import Column, accuracy_strips, cells, shown_columns, speed_strips
from emostudio.workspace.charts.tables import numbers
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import SIZES
from emostudio.workspace.findings import findings

_WIDTH_IN = 11.0
_MARKS = {
    "o": "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "s": "M-3.2-3.2h6.4v6.4h-6.4z",
    "^": "M0-4.2L4 3H-4z",
    "D": "M0-4.4L4.4 0L0 4.4L-4.4 0z",
    "v": "M0 4.2L4-3H-4z",
    "p": "M0-4.2L4-1.3L2.5 3.4H-2.5L-4-1.3z",
    "*": "M0-4.8L1.2-1.6L4.6-1.5L1.9.6L2.8 3.9L0 2L-2.8 3.9L-1.9.6L-4.6-1.5L-1.2-1.6z",
}


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("emostudio.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _write(report: Report, path: Path) -> None:
    environment = _environment()
    with chart_style():
        charts = [
            (chart, _svg(chart_figure(chart, "", _WIDTH_IN, has_title=False), chart.title))
            for chart in report.charts
        ]
    template = environment.get_template("comparison.html")
    write_text(
        path,
        template.render(
            report=report,
            findings=findings(report.comparison),
            charts=charts,
            numbers=numbers,
            definitions=[size for size in SIZES if any(map(size.value, report.comparison.rows))],
            badges=palette.BADGES,
            **_table(report.comparison.rows),
        ),
    )


def _svg(figure: Figure | None, words: str) -> Markup | None:
    if figure is None:
        return None
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    drawing = text[text.index("<svg") :]
    labelled = drawing.replace("<svg", f'<svg role="img" aria-label="{words}"', 1)
    return Markup(labelled)


def _table(rows: Sequence[ComparisonRow]) -> dict[str, Any]:
    columns = shown_columns(rows)
    strips = {"speed_ratio": speed_strips(rows), "accuracy_percent": accuracy_strips(rows)}
    texts = {column.key: cells(column, rows) for column in columns}
    return {
        "columns": columns,
        "groups": _groups(columns),
        "lines": [
            {
                "row": row,
                "series": palette.series(row.slot),
                "mark": _MARKS[palette.series(row.slot).marker],
                "cells": [
                    (
                        column,
                        texts[column.key][place],
                        strips[column.key][place] if column.key in strips else None,
                    )
                    for column in columns
                ],
            }
            for place, row in enumerate(rows)
        ],
        "strip_keys": set(strips),
    }


def _groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    return [
        (group, len(list(members)))
        for group, members in groupby(columns, key=lambda column: column.group)
    ]


def _write_tables(report: PaperReport, path: Path) -> None:
    with chart_style():
        curves = {
            table.key: _svg(curves_figure(table), "Error while training, by epoch")
            for table in report.tables
        }
    page = _environment().get_template("paper.html")
    text = page.render(
        report=report,
        curves=curves,
        badges=palette.BADGES,
        cell_words=cell_words,
        footer_words=footer_words,
        has_accounting=has_accounting,
    )
    write_text(path, text)


WRITER = Writer(
    "html", "HTML", "Everything on one page that opens in any browser", _write, _write_tables
)
