"""Tables as Qt sees them: columns with units, cells with more than text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

CELL_ROLE = Qt.ItemDataRole.UserRole
"""The `Cell`."""

ID_ROLE = Qt.ItemDataRole.UserRole + 1
"""The row's id."""

SORT_ROLE = Qt.ItemDataRole.UserRole + 2
"""What the row is sorted by."""

MISSING = "–"

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class IntervalScale:
    """The scale that all intervals of a column share, with a rule at the teacher's value."""

    low: float
    high: float
    reference: float | None = None
    is_log: bool = False


@dataclass(frozen=True)
class Column:
    """A column: `unit` stands under the title, `group` over neighbouring columns; width in px."""

    key: str
    title: str
    unit: str = ""
    is_number: bool = False
    width: int = 0
    group: str = ""
    scale: IntervalScale | None = None
    tooltip: str = ""


@dataclass(frozen=True)
class Cell:
    """What one cell shows.

    Attributes
    ----------
    sort
        Sorted by this; by `text` where None.
    slot
        Series swatch before the text.
    interval
        Low, middle and high, drawn left of the number on the column's scale, in the colour of the
        series `interval_slot`.
    heat
        Share in [0, 1] of the cell's heat colour.
    has_lost
        A proved loss of accuracy: a triangle before the number.
    is_hollow
        The interval of a simulated result: hollow dot.
    """

    text: str = MISSING
    sort: Any = None
    tone: str = "text"
    is_bold: bool = False
    slot: int | None = None
    verdict: str = ""
    interval: tuple[float, float, float] | None = None
    interval_slot: int = 0
    heat: float | None = None
    has_lost: bool = False
    is_hollow: bool = False
    icon: str = ""
    tooltip: str = ""


EMPTY_CELL = Cell(tone="text3")


@dataclass(frozen=True)
class Row:
    """A row: its id and its cells by column key; cells that are missing show a dash."""

    id: str
    cells: Mapping[str, Cell] = field(default_factory=dict)
    is_total: bool = False


def _plain(number: str) -> str:
    """Return a number with the minus that other programs read."""
    return number.replace("\u00a0", "").replace("−", "-")


class TableModel(QAbstractTableModel):
    """Rows of cells; replaced as a whole."""

    def __init__(self, columns: Sequence[Column], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = tuple(columns)
        self.rows: tuple[Row, ...] = ()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns."""
        self.beginResetModel()
        self.columns = tuple(columns)
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def cell(self, row: int, column: int) -> Cell:
        """Return a cell by place."""
        return self.rows[row].cells.get(self.columns[column].key, EMPTY_CELL)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a view asks for."""
        if not index.isValid():
            return None
        cell = self.cell(index.row(), index.column())
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return cell.text if not cell.verdict else cell.verdict
        if role == CELL_ROLE:
            return cell
        if role == ID_ROLE:
            return self.rows[index.row()].id
        if role == SORT_ROLE:
            return cell.sort if cell.sort is not None else self.data(index)
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.tooltip or None
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return title and unit of a column on two lines."""
        if orientation == Qt.Orientation.Vertical or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{column.title}\n{column.unit}" if column.unit else column.title
        if role == CELL_ROLE:
            return column
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tooltip or ", ".join(filter(None, (column.title, column.unit)))
        return None

    def as_text(self, delimiter: str = "\t") -> str:
        """Return the table as delimited text with units in the head."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        heads = [f"{c.title} ({c.unit})" if c.unit else c.title for c in self.columns]
        writer.writerow(heads)
        for row in range(len(self.rows)):
            places = range(len(self.columns))
            texts = [
                self.cell(row, place).verdict or self.cell(row, place).text for place in places
            ]
            shown = [_plain(text) if c.is_number else text
                     for text, c in zip(texts, self.columns, strict=True)]  # fmt: skip
            writer.writerow(["" if text == MISSING else text for text in shown])
        return out.getvalue()


class SortedTable(QSortFilterProxyModel):
    """Sorts numbers as numbers; missing values and totals stay at the end."""

    def lessThan(self, left: _Index, right: _Index) -> bool:
        """Compare two cells."""
        first, second = self._key(left), self._key(right)
        is_descending = self.sortOrder() == Qt.SortOrder.DescendingOrder
        if first[0] != second[0]:
            return (first[0] < second[0]) != is_descending
        try:
            return bool(first[1] < second[1])
        except TypeError:
            return str(first[1]) < str(second[1])

    def _key(self, index: _Index) -> tuple[int, Any]:
        model = self.sourceModel()
        assert isinstance(model, TableModel)  # noqa: S101 - set by the table that owns both
        row = model.rows[index.row()]
        value = model.data(index, SORT_ROLE)
        return (2 if row.is_total else 1 if value in {MISSING, ""} else 0), value
