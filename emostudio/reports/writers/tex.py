"""The table as LaTeX, for a paper that uses booktabs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.paper.results import ResultTable
from emostudio.paper.words import cell_words, footer_words, has_accounting
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.table import MISSING, Cell, Column, cells, shown_columns
from emostudio.workspace.comparison import ComparisonRow

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "–": "--",
    "−": "$-$",
}


def _write(report: Report, path: Path) -> None:
    rows = report.comparison.rows
    columns = shown_columns(rows)
    body = _body(rows, columns)
    caption = f"{report.title}. " + ". ".join(f"{name}: {words}" for name, words in report.facts)
    lines = [
        "% needs \\usepackage{booktabs}",
        *(f"% {caveat}" for caveat in report.caveats),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escape(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}l}}",
        r"\toprule",
        *_heads(columns),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    write_text(path, "\n".join(lines) + "\n")


def _heads(columns: Sequence[Column]) -> list[str]:
    groups, rules, place = [], [], 2
    for group, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        groups.append(rf"\multicolumn{{{count}}}{{c}}{{{_escape(group)}}}")
        if group:
            rules.append(rf"\cmidrule(lr){{{place}-{place + count - 1}}}")
        place += count
    titles = [_escape(column.title) for column in columns]
    units = [_escape(column.unit) for column in columns]
    return [
        " & ".join(["", *groups, ""]) + r" \\",
        " ".join(rules),
        " & ".join(["Variant", *titles, "Verdict"]) + r" \\",
        " & ".join(["", *units, ""]) + r" \\",
    ]


def _body(rows: Sequence[ComparisonRow], columns: Sequence[Column]) -> list[str]:
    table = [cells(column, rows) for column in columns]
    lines = []
    for place, row in enumerate(rows):
        numbers = [_number(column[place]) for column in table]
        accuracy = next((i for i, c in enumerate(columns) if c.key == "accuracy_percent"), None)
        if accuracy is not None and row.accuracy_interval is not None:
            low, high = (100 * bound for bound in row.accuracy_interval)
            numbers[accuracy] += rf" {{\footnotesize [{low:.1f}, {high:.1f}]}}"
        lines.append(" & ".join([_escape(row.model), *numbers, _escape(row.verdict)]) + r" \\")
    return lines


def _number(cell: Cell) -> str:
    text = _escape(cell.text) if cell.text != MISSING else "--"
    return rf"\textbf{{{text}}}" if cell.is_best else text


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(sign, sign) for sign in text)


def _write_tables(report: PaperReport, path: Path) -> None:
    lines = ["% needs \\usepackage{booktabs}"]
    for table in report.tables:
        lines += _tabular(table)
    write_text(path, "\n".join(lines) + "\n")


def _tabular(table: ResultTable) -> list[str]:
    groups, whose = [], []
    for column in table.columns:
        names = ["paper", "ours", *(["as paper"] if has_accounting(table, column) else [])]
        unit = f", {column.unit}" if column.unit else ""
        title = _escape(f"{column.title}{unit}")
        groups.append(rf"\multicolumn{{{len(names)}}}{{c}}{{{title}}}")
        whose += names
    body = [
        " & ".join(map(_escape, [row.title, *cell_words(table, row), row.verdict])) + r" \\"
        for row in table.rows
    ]
    return [
        *(f"% {line}" for line in footer_words(table)),
        *(f"% {item.verdict}: {item.title}. {item.words}" for item in table.findings),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escape(table.title)}. {_escape(footer_words(table)[-1])}}}",
        rf"\begin{{tabular}}{{l{'r' * len(whose)}l}}",
        r"\toprule",
        " & ".join(["", *groups, ""]) + r" \\",
        " & ".join(["", *whose, "Verdict"]) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


WRITER = Writer("tex", "LaTeX", "The table for a paper, with booktabs rules", _write, _write_tables)
