"""The table of every page: sorted, selectable, copied as text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.cells import CellDelegate, TwoLineHeader
from emostudio.qt.table_models import ID_ROLE, SORT_ROLE, Column, Row, SortedTable, TableModel


class DataTable(QTableView):
    """Rows of `qt.table_models.Row` under two-line heads.

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
        self._fit()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; the selection stays on the same id where it is still there."""
        kept = self.selected_id()
        self._is_quiet = True
        self.table.set_rows(rows)
        self.select_id(kept)
        self._is_quiet = False
        self._fit()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the selection stays."""
        kept = self.selected_id()
        self._is_quiet = True
        self.table.set_columns(columns)
        self.select_id(kept)
        self._is_quiet = False
        self._fit()

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

    def _fit(self) -> None:
        header = self.horizontalHeader()
        scale = theme().scale
        self.verticalHeader().setMinimumSectionSize(20)
        self.verticalHeader().setDefaultSectionSize(round(SPACE.row * scale))
        for number, column in enumerate(self.table.columns):
            if column.width:
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Interactive)
                header.resizeSection(number, round(column.width * scale))
            else:
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)
        header.updateGeometry()
        self.viewport().update()

    def _on_selected(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        del selected, deselected
        if not self._is_quiet:
            self.row_selected.emit(self.selected_id())

    def _on_activated(self, index: QModelIndex) -> None:
        self.row_activated.emit(str(index.data(ID_ROLE)))
