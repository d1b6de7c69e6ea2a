"""A chart's numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from emostudio.gui.widgets.data_table import DataTable
from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, Row
from emostudio.workspace.charts.base import Chart
from emostudio.workspace.charts.tables import Numbers, Value, numbers

_NUMBER_WIDTH = 92


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
                Row(f"{place}.{number}", _cells(table, row, has_many=has_many))
                for place, table in enumerate(tables)
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
            width=_NUMBER_WIDTH if place else 0,
        )
        for place in range(len(widest.heads))
    ]
    if len(tables) > 1:
        title = QCoreApplication.translate("NumbersTable", "Table")
        columns.insert(0, Column("table", title))
    return tuple(columns)


def _head(tables: Sequence[Numbers], place: int) -> str:
    heads = {table.heads[place] for table in tables if place < len(table.heads)}
    if len(heads) == 1:
        return heads.pop()
    return QCoreApplication.translate("NumbersTable", "value")


def _is_number(table: Numbers, place: int) -> bool:
    return not any(isinstance(row[place], str) for row in table.rows)


def _cells(table: Numbers, row: tuple[Value, ...], *, has_many: bool) -> dict[str, Cell]:
    cells = {str(place): _cell(value) for place, value in enumerate(row)}
    return {"table": Cell(table.title), **cells} if has_many else cells


def _cell(value: Value) -> Cell:
    if value is None:
        return EMPTY_CELL
    return Cell(value) if isinstance(value, str) else Cell(f"{value:,.4g}", value)
