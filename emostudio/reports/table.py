"""The comparison's table, in the shape of the paper's Table 2; every file format shows this one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emostudio.statistics.verdicts import is_proved_loss
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import (
    FIGURES,
    MISSING,
    SIZES,
    Bounds,
    Figure,
    best_of,
    places,
    texts,
)


@dataclass(frozen=True)
class Column:
    """One column of numbers.

    Attributes
    ----------
    group, title, unit
        Head, in up to three lines.
    suffix
        Sign after each number.
    """

    figure: Figure
    group: str
    title: str
    unit: str
    suffix: str = ""

    @property
    def key(self) -> str:
        """Name in CSV files, with the unit."""
        return self.figure.name


_HEADS = {
    "training": ("Training", "step", "ms"),
    **{key: ("Inference", key, "ms") for key in ("p50", "p95", "p99")},
    **{size.key: ("Memory", size.head.lower(), "MB") for size in SIZES if size.unit == "MB"},
}
"""Group, title and unit of the columns that stand in groups."""
_SUFFIXES = {"speed": "×"}
COLUMNS = tuple(
    Column(
        figure,
        *_HEADS.get(figure.key, ("", figure.head, figure.unit)),
        suffix=_SUFFIXES.get(figure.key, ""),
    )
    for figure in FIGURES
)


@dataclass(frozen=True)
class Cell:
    """One number as text; the best of its column is emphasised."""

    text: str
    is_best: bool = False
    is_loss: bool = False
    """A proved loss of accuracy against the baseline."""
    bounds: tuple[str, str] | None = None
    """Its 95 % interval with the same decimals, None where it is not known."""


def cells(column: Column, rows: Sequence[ComparisonRow]) -> list[Cell]:
    """Format one column and mark what deserves it."""
    figure = column.figure
    values = [figure.value(row) for row in rows]
    shown = places(values, figure.decimals)
    return [
        Cell(
            bounds=_bounds(figure.interval(row), shown),
            text=text if text == MISSING else f"{text}{column.suffix}",
            is_best=is_best,
            is_loss=figure.key == "accuracy" and is_proved_loss(row.paired),
        )
        for row, text, is_best in zip(
            rows, texts(values, figure.decimals), best_of(figure, values), strict=True
        )
    ]


def _bounds(interval: Bounds, decimals: int) -> tuple[str, str] | None:
    if interval is None:
        return None
    low, high = (f"{bound:,.{decimals}f}" for bound in interval)
    return low, high


def shown_columns(rows: Sequence[ComparisonRow]) -> list[Column]:
    """Return the columns in which at least one row has a number."""
    return [
        column for column in COLUMNS if any(column.figure.value(row) is not None for row in rows)
    ]


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
