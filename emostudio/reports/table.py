"""The comparison's table, in the shape of the paper's Table 2; every file format shows this one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emostudio.statistics.verdicts import is_proved_loss
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.sizes import SIZES, Size

MISSING = "–"
_SHORT = {"parameters": "Param.", "training_memory": "training"}


@dataclass(frozen=True)
class Column:
    """One column of numbers.

    Attributes
    ----------
    key
        Name in CSV files, with the unit.
    group, title, unit
        Head, in up to three lines.
    value
        Number in the column's unit, None where it was not measured.
    best
        Which number deserves emphasis: ``low``, ``high`` or nothing.
    decimals
        Fixed number of decimals, or None: as many as the smallest number needs.
    suffix
        Sign after each number.
    """

    key: str
    group: str
    title: str
    unit: str
    value: Callable[[ComparisonRow], float | None]
    best: str = ""
    decimals: int | None = None
    suffix: str = ""


def _scaled(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _percentile(name: str) -> Callable[[ComparisonRow], float | None]:
    def value(row: ComparisonRow) -> float | None:
        found: float | None = getattr(row.latency_ms, name) if row.latency_ms else None
        return found

    return value


def _calibration_error(row: ComparisonRow) -> float | None:
    found = row.evaluation.calibration if row.evaluation is not None else None
    return None if found is None else found.error


def _size_column(size: Size) -> Column:
    is_count = size.unit == "million"
    return Column(
        f"{size.key}_{size.unit.lower()}",
        "" if is_count else "Memory",
        _SHORT.get(size.key, size.title if is_count else size.title.lower()),
        size.unit,
        size.value,
        "" if is_count or size.key == "training_memory" else "low",
        decimals=None if is_count or size.key == "disk" else 0,
    )


COLUMNS: tuple[Column, ...] = (
    Column("training_step_ms", "Training", "step", "ms", lambda row: row.training_step_ms),
    Column("inference_p50_ms", "Inference", "p50", "ms", _percentile("p50"), "low"),
    Column("inference_p95_ms", "Inference", "p95", "ms", _percentile("p95"), "low"),
    Column("inference_p99_ms", "Inference", "p99", "ms", _percentile("p99"), "low"),
    Column(
        "speed_ratio",
        "",
        "Speed",
        "baseline = 1×",
        lambda row: 1.0 if row.is_baseline else (row.speed.ratio if row.speed else None),
        decimals=2,
        suffix="×",
    ),
    *(_size_column(size) for size in SIZES),
    Column(
        "accuracy_percent",
        "",
        "Accuracy",
        "%",
        lambda row: _scaled(row.accuracy, 100),
        "high",
        decimals=1,
    ),
    Column("macro_f1", "", "F1", "macro", lambda row: row.macro_f1, "high", decimals=3),
    Column(
        "calibration_error_percent",
        "",
        "Cal. error",
        "points",
        lambda row: _scaled(_calibration_error(row), 100),
        decimals=1,
    ),
)


@dataclass(frozen=True)
class Cell:
    """One number as text; the best of its column is emphasised."""

    text: str
    is_best: bool = False
    is_loss: bool = False
    """A proved loss of accuracy against the baseline."""


def cells(column: Column, rows: Sequence[ComparisonRow]) -> list[Cell]:
    """Format one column: same decimals all the way down, a dash where nothing was measured."""
    values = [column.value(row) for row in rows]
    known = [value for value in values if value is not None]
    decimals = column.decimals if column.decimals is not None else _decimals(known)
    best = _best(column, known)
    return [
        Cell(
            text=MISSING if value is None else f"{value:,.{decimals}f}{column.suffix}",
            is_best=value is not None and value == best and len(known) > 1,
            is_loss=column.key == "accuracy_percent" and is_proved_loss(row.paired),
        )
        for row, value in zip(rows, values, strict=True)
    ]


def shown_columns(rows: Sequence[ComparisonRow]) -> list[Column]:
    """Return the columns in which at least one row has a number."""
    return [column for column in COLUMNS if any(column.value(row) is not None for row in rows)]


def _decimals(known: Sequence[float]) -> int:
    positive = [value for value in known if value > 0]
    smallest = min(positive, default=100.0)
    return min(3, max(1, 1 - math.floor(math.log10(smallest)))) if smallest < 100 else 0


def _best(column: Column, known: Sequence[float]) -> float | None:
    if not column.best or not known:
        return None
    return min(known) if column.best == "low" else max(known)


@dataclass(frozen=True)
class Strip:
    """An interval drawn beside its number, all positions in [0, 1] on the column's own scale."""

    low: float
    centre: float
    high: float
    reference: float


def speed_strips(rows: Sequence[ComparisonRow]) -> list[Strip | None]:
    """Place the speed intervals on a common logarithmic scale; the reference is 1x."""
    triples = [
        (
            math.log(row.speed.interval[0]),
            math.log(row.speed.ratio),
            math.log(row.speed.interval[1]),
        )
        if row.speed is not None
        else None
        for row in rows
    ]
    return _place(triples, 0.0)


def accuracy_strips(rows: Sequence[ComparisonRow]) -> list[Strip | None]:
    """Place the accuracy intervals on a common scale; the reference is the baseline."""
    triples = [
        (row.accuracy_interval[0], row.accuracy, row.accuracy_interval[1])
        if row.accuracy is not None and row.accuracy_interval is not None
        else None
        for row in rows
    ]
    base = next(
        (row.accuracy for row in rows if row.is_baseline and row.accuracy is not None), None
    )
    known = [triple[1] for triple in triples if triple is not None]
    return _place(triples, base if base is not None else max(known, default=0.0))


def _place(
    triples: Sequence[tuple[float, float, float] | None], reference: float
) -> list[Strip | None]:
    known = [value for triple in triples if triple is not None for value in triple]
    low, high = min([*known, reference]), max([*known, reference])
    width = (high - low) or 1.0

    def share(value: float) -> float:
        return (value - low) / width

    return [
        None
        if triple is None
        else Strip(share(triple[0]), share(triple[1]), share(triple[2]), share(reference))
        for triple in triples
    ]
