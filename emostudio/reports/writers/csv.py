"""The table as CSV, numbers in full."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.paper.results import Measured, ResultCell
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.table import COLUMNS
from emostudio.workspace.comparison import ComparisonRow


def _write(report: Report, path: Path) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    numbers = [column.key for column in COLUMNS]
    writer.writerow([*_WORDS, *numbers, *_INTERVALS, "samples", "verdict"])
    for row in report.comparison.rows:
        values = [column.value(row) for column in COLUMNS]
        writer.writerow(
            [row.model, row.role, row.recipe, row.engine, row.threads, row.kernels]
            + ["" if value is None else f"{value:.10g}" for value in values]
            + _interval_values(row)
            + [row.samples or "", row.verdict]
        )
    write_text(path, stream.getvalue())


_WORDS = ("variant", "role", "recipe", "engine", "threads", "kernels")
_INTERVALS = ("speed_low", "speed_high", "accuracy_low_percent", "accuracy_high_percent")


def _interval_values(row: ComparisonRow) -> list[str]:
    speed = row.speed.interval if row.speed is not None else None
    accuracy = row.accuracy_interval
    if accuracy is not None:
        accuracy = (100 * accuracy[0], 100 * accuracy[1])
    return [
        "" if bounds is None else f"{bounds[side]:.10g}"
        for bounds in (speed, accuracy)
        for side in (0, 1)
    ]


_TABLE_WORDS = (
    "table", "row", "reference", "column", "unit", "paper", "ours", "low", "high", "interval",
    "engine", "machine", "as_paper", "as_paper_low", "as_paper_high", "dataset", "seeds",
    "verdict", "caveats",
)  # fmt: skip


def _write_tables(report: PaperReport, path: Path) -> None:
    """Write one line per figure: nothing stands without its interval, engine and machine."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(_TABLE_WORDS)
    for table in report.tables:
        for row in table.rows:
            for column in table.columns:
                cell = row.cells.get(column.key, ResultCell())
                ours, counted = _numbers(cell.ours), _numbers(cell.as_paper)
                words = [cell.ours.basis, cell.ours.engine, cell.ours.machine] if cell.ours else []
                writer.writerow(
                    [table.key, row.title, row.reference, column.title, column.unit]
                    + ["" if cell.paper is None else f"{cell.paper:.10g}", *ours]
                    + (words or ["", "", ""])
                    + [*counted, row.dataset, " ".join(map(str, row.seeds)), row.verdict]
                    + ["; ".join(row.caveats)]
                )
    write_text(path, stream.getvalue())


def _numbers(measured: Measured | None) -> list[str]:
    if measured is None:
        return ["", "", ""]
    return [f"{value:.10g}" for value in (measured.value, measured.low, measured.high)]


WRITER = Writer(
    "csv", "CSV", "The table with all decimals, for a spreadsheet", _write, _write_tables
)
