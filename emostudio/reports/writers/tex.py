"""The table as LaTeX, for a paper that uses booktabs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.paper.results import ResultTable
from emostudio.paper.words import cell_words, footer_words, has_accounting
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.table import Cell, Column, cells, shown_columns
from emostudio.reports.tex_text import booktabs, comment, escape, notes
from emostudio.workspace.charts.base import Chart
from emostudio.workspace.charts.tables import Numbers, Value, numbers
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import MISSING, SIZES

_NEEDS = comment(r"needs \usepackage{booktabs,graphicx}")
_SHRINK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""Tables wider than the text are made to fit; narrow ones are left as they are."""


def _write(report: Report, path: Path) -> None:
    rows = report.comparison.rows
    columns = shown_columns(rows)
    lines: list[str] = []
    for part in _parts(columns):
        lines += [*_fitted(_table(rows, part)), r"\par\smallskip"]
    caption = escape(f"{report.title}. {report.fact_words}")
    write_text(path, "\n".join([_NEEDS, *_floating(caption, lines, report.caveats)]) + "\n")


def _parts(columns: Sequence[Column]) -> list[list[Column]]:
    """Return the columns in two tables where one would be too wide to read: results, then sizes."""
    parts = [[c for c in columns if (c.figure in SIZES) == is_size] for is_size in (False, True)]
    return [part for part in parts if part]


def _table(rows: Sequence[ComparisonRow], columns: Sequence[Column]) -> list[str]:
    return booktabs(_heads(columns), _body(rows, columns), f"l{'r' * len(columns)}l")


def _floating(caption: str, table: Sequence[str], below: Sequence[str]) -> list[str]:
    return [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        *table,
        *notes(below),
        r"\end{table}",
    ]


def _heads(columns: Sequence[Column]) -> list[list[str]]:
    groups, rules, place = [], [], 2
    for group, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        groups.append(rf"\multicolumn{{{count}}}{{c}}{{{escape(group)}}}")
        if group:
            rules.append(rf"\cmidrule(lr){{{place}-{place + count - 1}}}")
        place += count
    return [
        ["", *groups, ""],
        [" ".join(rules)],
        ["Variant", *(escape(column.title) for column in columns), "Verdict"],
        ["", *(escape(column.unit) for column in columns), ""],
    ]


def _body(rows: Sequence[ComparisonRow], columns: Sequence[Column]) -> list[list[str]]:
    table = [cells(column, rows) for column in columns]
    lines = []
    for place, row in enumerate(rows):
        numbers = [_number(column[place]) + _interval(column[place]) for column in table]
        lines.append([escape(row.model), *numbers, escape(row.verdict)])
    return lines


def _interval(cell: Cell) -> str:
    if cell.bounds is None:
        return ""
    low, high = cell.bounds
    return rf" {{\footnotesize [{low}, {high}]}}"


def _number(cell: Cell) -> str:
    text = escape(cell.text) if cell.text != MISSING else "--"
    return rf"\textbf{{{text}}}" if cell.is_best else text


def _write_chart(report: Report, chart: Chart, path: Path) -> None:
    lines = [_NEEDS]
    for table in numbers(chart):
        heads = [[escape(head) for head in table.heads]]
        body = [[_value(value) for value in row] for row in table.rows]
        layout = "".join(_alignment(table, place) for place in range(len(table.heads)))
        caption = escape(f"{chart.title}: {table.title}. {report.fact_words}")
        lines += _floating(caption, _fitted(booktabs(heads, body, layout)), report.caveats)
    write_text(path, "\n".join(lines) + "\n")


def _alignment(table: Numbers, place: int) -> str:
    """Return how a column is set: names and words to the left, numbers to the right."""
    words = [isinstance(row[place], str) for row in table.rows]
    return "l" if not place or any(words) else "r"


def _fitted(table: Sequence[str]) -> list[str]:
    return [_SHRINK, *table, "}"]


def _value(value: Value) -> str:
    if value is None:
        return "--"
    return escape(value) if isinstance(value, str) else escape(f"{value:,.4g}")


def _write_tables(report: PaperReport, path: Path) -> None:
    lines = [_NEEDS]
    for table in report.tables:
        lines += _tabular(table)
    write_text(path, "\n".join(lines) + "\n")


def _tabular(table: ResultTable) -> list[str]:
    groups, whose = [], []
    for column in table.columns:
        names = ["paper", "ours", *(["as paper"] if has_accounting(table, column) else [])]
        unit = f", {column.unit}" if column.unit else ""
        title = escape(f"{column.title}{unit}")
        groups.append(rf"\multicolumn{{{len(names)}}}{{c}}{{{title}}}")
        whose += names
    body = [
        [escape(words) for words in (row.title, *cell_words(table, row), row.verdict)]
        for row in table.rows
    ]
    heads = [["", *groups, ""], ["", *whose, "Verdict"]]
    rows = booktabs(heads, body, f"l{'r' * len(whose)}l")
    words = footer_words(table)
    found = [f"{item.verdict}: {item.title}. {item.words}" for item in table.findings]
    caption = f"{escape(table.title)}. {escape(words[-1])}"
    return _floating(caption, _fitted(rows), [line.rstrip(".") for line in (*words[:-1], *found)])


WRITER = Writer(
    "tex", "LaTeX", "The table for a paper, with booktabs rules", _write, _write_tables,
    _write_chart, "table",
)  # fmt: skip
