"""The table as CSV, numbers in full."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.reports.base import Report, Writer
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


WRITER = Writer("csv", "CSV", "The table with all decimals, for a spreadsheet", _write)
