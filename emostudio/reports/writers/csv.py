"""The table as CSV, numbers in full."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.paper.results import Finding, Measured, ResultCell, ResultTable
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.table import COLUMNS
from emostudio.workspace.charts.base import Chart
from emostudio.workspace.charts.tables import Value, numbers
from emostudio.workspace.comparison import Comparison, ComparisonRow

_WORDS = ("variant", "role", "recipe", "engine", "threads", "kernels")
_INTERVALS = {
    "speed": ("speed_low", "speed_high"),
    "accuracy": ("accuracy_low_percent", "accuracy_high_percent"),
    "p50": ("inference_p50_low_ms", "inference_p50_high_ms"),
    "f1": ("macro_f1_low", "macro_f1_high"),
}
"""Heads of the bounds of a figure."""
_ORIGIN = ("dataset", "split", "machine", "not_for_publication")
"""With every line: a table is cut into pieces, and each must say what bars it."""


def _write(report: Report, path: Path) -> None:
    found = report.comparison
    heads = [column.key for column in COLUMNS]
    bounds = [head for pair in _INTERVALS.values() for head in pair]
    lines: list[Sequence[object]] = [
        [*_WORDS, *heads, *bounds, "samples", "verdict", "judged_against", *_ORIGIN]
    ]
    for row in found.rows:
        values = [_text(column.figure.value(row)) for column in COLUMNS]
        lines.append(
            [
                *(row.model, row.role, row.recipe, row.engine, row.threads, row.kernels),
                *(*values, *_interval_values(row), row.samples or "", row.verdict),
                *(row.judged_against, *_origin(found, found.blockers)),
            ]
        )
    _save(path, lines)


def _save(path: Path, lines: Sequence[Sequence[object]]) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows(lines)
    write_text(path, stream.getvalue())


def _origin(found: Comparison, blockers: Sequence[str]) -> list[str]:
    machine = str(found.machine.get("cpu", ""))
    return [found.dataset, found.split, machine, "; ".join(blockers)]


def _text(value: Value) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.10g}"


def _interval_values(row: ComparisonRow) -> list[str]:
    figures = {column.figure.key: column.figure for column in COLUMNS}
    bounds = [figures[key].interval(row) for key in _INTERVALS]
    return [_text(pair[side] if pair else None) for pair in bounds for side in (0, 1)]


def _write_chart(report: Report, chart: Chart, path: Path) -> None:
    """Write the numbers of a chart, its tables below each other, each line with its origin."""
    found = report.comparison
    lines: list[list[object]] = []
    for table in numbers(chart):
        lines.append(["table", *table.heads, "engine", *_ORIGIN])
        tail = [found.engine, *_origin(found, chart.blockers)]
        lines += [[table.title, *(_text(value) for value in row), *tail] for row in table.rows]
    _save(path, lines)


_TABLE_WORDS = (
    "table", "row", "reference", "column", "unit", "paper", "ours", "low", "high", "interval",
    "engine", "machine", "as_paper", "as_paper_low", "as_paper_high", "dataset", "seeds",
    "verdict", "caveats",
)  # fmt: skip


def _write_tables(report: PaperReport, path: Path) -> None:
    """Write one line per figure and finding, each with its interval, engine and machine."""
    lines: list[Sequence[object]] = [_TABLE_WORDS]
    for table in report.tables:
        for row in table.rows:
            for column in table.columns:
                cell = row.cells.get(column.key, ResultCell())
                ours, counted = _numbers(cell.ours), _numbers(cell.as_paper)
                words = [cell.ours.basis, cell.ours.engine, cell.ours.machine] if cell.ours else []
                lines.append(
                    [table.key, row.title, row.reference, column.title, column.unit]
                    + [_text(cell.paper), *ours]
                    + (words or ["", "", ""])
                    + [*counted, row.dataset, " ".join(map(str, row.seeds)), row.verdict]
                    + ["; ".join(row.caveats)]
                )
        lines += [_finding(table, found) for found in table.findings]
    _save(path, lines)


def _finding(table: ResultTable, found: Finding) -> list[str]:
    """Return a ranking as a line of its own: the difference is its figure."""
    ours = found.difference
    words = [ours.basis, ours.engine, ours.machine] if ours else ["", "", ""]
    known = {
        **dict(zip(("ours", "low", "high"), _numbers(ours), strict=True)),
        **dict(zip(("interval", "engine", "machine"), words, strict=True)),
        "table": table.key,
        "row": found.title,
        "column": "Difference" if ours else "",
        "unit": "points" if ours else "",
        "verdict": found.verdict,
        "caveats": found.words,
    }
    return [known.get(name, "") for name in _TABLE_WORDS]


def _numbers(measured: Measured | None) -> list[str]:
    if measured is None:
        return ["", "", ""]
    has_bounds = measured.has_interval or measured.is_exact
    bounds = [_text(bound) if has_bounds else "" for bound in (measured.low, measured.high)]
    return [_text(measured.value), *bounds]


WRITER = Writer(
    "csv", "CSV", "The table with all decimals, for a spreadsheet", _write, _write_tables,
    _write_chart, "table",
)  # fmt: skip
