"""A chart's numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from emostudio.gui.widgets.data_table import DataTable
from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, Row
from emostudio.workspace.charts.base import Chart
from emostudio.workspace.charts.tables import Numbers, Value, numbers

_NUMBER_WIDTH = 78
_WORDS_WIDTH = 124
_BOUNDS = frozenset({"low", "high"})
_FIGURES = 4
"""Significant figures of the largest number of a column."""
_HEADS = {"row": "Of", "series": "Variant"}


class NumbersTable(DataTable):
    """The tables of a chart below each other; what differs between their heads is "value"."""

    def __init__(self) -> None:
        super().__init__((), QCoreApplication.translate("NumbersTable", "Numbers of the chart"))

    def show_chart(self, chart: Chart | None) -> None:
        """Show the numbers of this chart."""
        tables = numbers(chart) if chart is not None else ()
        self.set_columns(_columns(tables))
        has_many = len(tables) > 1
        self.set_rows(
            [
                Row(f"{place}.{number}", _cells(table, row, decimals, has_many=has_many))
                for place, table in enumerate(tables)
                for decimals in (_decimals(table),)
                for number, row in enumerate(table.rows)
            ]
        )


def _columns(tables: Sequence[Numbers]) -> tuple[Column, ...]:
    if not tables:
        return ()
    widest = max(tables, key=lambda table: len(table.heads))
    columns = [
        Column(
            str(place),
            _head(tables, place),
            is_number=_is_number(widest, place),
            width=_width(widest, place) if place else 0,
        )
        for place in range(len(widest.heads))
    ]
    if len(tables) > 1:
        title = QCoreApplication.translate("NumbersTable", "Table")
        columns.insert(0, Column("table", title))
    return tuple(columns)


def _head(tables: Sequence[Numbers], place: int) -> str:
    heads = {table.heads[place] for table in tables if place < len(table.heads)}
    if len(heads) > 1:
        return QCoreApplication.translate("NumbersTable", "Value")
    head = heads.pop()
    return _HEADS.get(head, head[:1].upper() + head[1:])


def _width(table: Numbers, place: int) -> int:
    return _NUMBER_WIDTH if _is_number(table, place) else _WORDS_WIDTH


def _decimals(table: Numbers) -> tuple[int, ...]:
    """Return the decimals of every column: as many for one number as for the next."""
    found: list[int] = []
    for head, *values in zip(table.heads, *table.rows, strict=True):
        if head in _BOUNDS and found:
            found.append(found[-1])  # an interval is as fine as what it belongs to
        else:
            found.append(_decimals_of([v for v in values if isinstance(v, float | int)]))
    return tuple(found)


def _decimals_of(values: Sequence[float]) -> int:
    largest = max((abs(value) for value in values), default=0.0)
    if not largest or all(float(value).is_integer() for value in values):
        return 0
    return max(0, _FIGURES - 1 - math.floor(math.log10(largest)))


def _is_number(table: Numbers, place: int) -> bool:
    return not any(isinstance(row[place], str) for row in table.rows)


def _cells(
    table: Numbers, row: tuple[Value, ...], decimals: Sequence[int], *, has_many: bool
) -> dict[str, Cell]:
    shown = zip(row, decimals, strict=True)
    cells = {str(place): _cell(value, digits) for place, (value, digits) in enumerate(shown)}
    return {"table": Cell(table.title), **cells} if has_many else cells


def _cell(value: Value, decimals: int) -> Cell:
    if value is None:
        return EMPTY_CELL
    if isinstance(value, str):
        return Cell(value)
    return Cell(f"{value:,.{decimals}f}".replace("-", "−"), value)
