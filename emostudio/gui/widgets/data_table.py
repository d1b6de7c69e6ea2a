"""The table of every page: sorted, selectable, copied as text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QTableView

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.cells import CellDelegate, TwoLineHeader
from emostudio.qt.table_models import ID_ROLE, SORT_ROLE, Column, Row, SortedTable, TableModel

_LEAST_NAME = 140
"""What a column without a width of its own keeps however many columns stand beside it."""

_NARROW_SHARE = 5
"""In a narrow table, such as one in a side card, names keep this part of the width instead."""


def fits(columns: Sequence[Column], room: int) -> bool:
    """Whether columns stand side by side in `room` pixels without pushing names together."""
    scale = theme().scale
    return sum(round((column.width or _LEAST_NAME) * scale) for column in columns) <= room


class DataTable(QTableView):
    """Rows of `qt.table_models.Row` under two-line heads.

    Columns without a width share what the others leave. They never shrink to nothing: a table with
    more columns than fit scrolls sideways.

    Signals
    -------
    row_selected
        Id of the row the user chose; empty when none is.
    row_activated
        Id of the row that was double-clicked or got Enter.
    """

    row_selected = Signal(str)
    row_activated = Signal(str)

    def __init__(self, columns: Sequence[Column], name: str, *, is_sorted: bool = True) -> None:
        super().__init__()
        self.table = TableModel(columns, self)
        self._proxy = SortedTable(self)
        self._proxy.setSourceModel(self.table)
        self._proxy.setSortRole(SORT_ROLE)
        self.setModel(self._proxy)
        self.setAccessibleName(name)
        self.setHorizontalHeader(TwoLineHeader(self))
        self.setItemDelegate(CellDelegate(self))
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setCornerButtonEnabled(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.setSortingEnabled(is_sorted)
        self.horizontalHeader().setSortIndicatorShown(is_sorted)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.selectionModel().selectionChanged.connect(self._on_selected)
        self.activated.connect(self._on_activated)
        theme().changed.connect(self._fit)
        self._is_quiet = False
        self._refit = QTimer(self)
        self._refit.setSingleShot(True)
        self._refit.setInterval(0)
        self._refit.timeout.connect(self._on_refit)
        self._choices: tuple[tuple[Column, ...], ...] = (self.table.columns,)
        self._fit()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; the selection stays on the same id where it is still there."""
        kept = self.selected_id()
        self._is_quiet = True
        self.table.set_rows(rows)
        self.select_id(kept)
        self._is_quiet = False
        self._fit()

    def set_columns(self, *choices: Sequence[Column]) -> None:
        """Show the first of `choices` that fits, or else the last; the selection stays."""
        self._choices = tuple(tuple(columns) for columns in choices)
        self._put_columns(self._fitting())

    def selected_id(self) -> str:
        """Return the id of the chosen row, empty when none is."""
        rows = self.selectionModel().selectedRows()
        return str(rows[0].data(ID_ROLE)) if rows else ""

    def select_id(self, row_id: str) -> None:
        """Choose a row by id; an unknown id clears the choice."""
        for number in range(self._proxy.rowCount()):
            if self._proxy.index(number, 0).data(ID_ROLE) == row_id:
                self.selectRow(number)
                return
        self.clearSelection()

    def fitted_height(self) -> int:
        """Return the height that shows all rows without scrolling."""
        rows = self._proxy.rowCount() * self.verticalHeader().defaultSectionSize()
        return self.horizontalHeader().sizeHint().height() + rows + 2

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the table as text with Ctrl+C."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.table.as_text())
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the columns once fonts are final."""
        super().showEvent(event)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the columns that fit, and give names what the numbers leave."""
        super().resizeEvent(event)
        self._share_room()
        # Later, for the table may be just about to show other rows, and a reset within a reset
        # leaves Qt with indexes of neither.
        if self._fitting() != self.table.columns:
            self._refit.start()

    def _on_refit(self) -> None:
        columns = self._fitting()
        if columns != self.table.columns:
            self._put_columns(columns)

    def _fitting(self) -> tuple[Column, ...]:
        room = self.viewport().width()
        return next((made for made in self._choices if fits(made, room)), self._choices[-1])

    def _put_columns(self, columns: Sequence[Column]) -> None:
        kept = self.selected_id()
        self._is_quiet = True
        self.table.set_columns(columns)
        self.select_id(kept)
        self._is_quiet = False
        self._fit()

    def _share_room(self) -> None:
        header = self.horizontalHeader()
        width = self.viewport().width()
        shared = [place for place, column in enumerate(self.table.columns) if not column.width]
        if not shared:
            return
        least = min(round(_LEAST_NAME * theme().scale), width // _NARROW_SHARE)
        taken = sum(header.sectionSize(place) for place in range(header.count()))
        left = width - taken + sum(header.sectionSize(place) for place in shared)
        for place in shared:
            header.resizeSection(place, max(least, left // len(shared)))

    def _fit(self) -> None:
        header = self.horizontalHeader()
        scale = theme().scale
        self.verticalHeader().setMinimumSectionSize(20)
        self.verticalHeader().setDefaultSectionSize(round(SPACE.row * scale))
        for number, column in enumerate(self.table.columns):
            if column.width:
                header.resizeSection(number, round(column.width * scale))
        self._share_room()
        header.updateGeometry()
        self.viewport().update()

    def _on_selected(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        del selected, deselected
        if not self._is_quiet:
            self.row_selected.emit(self.selected_id())

    def _on_activated(self, index: QModelIndex) -> None:
        self.row_activated.emit(str(index.data(ID_ROLE)))
