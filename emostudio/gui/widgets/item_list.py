"""A list of painted items: what the queue of runs and the lineage of models are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyledItemDelegate

from emostudio.gui.theme import theme

ITEM_ROLE = Qt.ItemDataRole.UserRole
"""Gives a delegate the item itself."""

Index = QModelIndex | QPersistentModelIndex


class ListItem(Protocol):
    """What every item says of itself."""

    @property
    def words(self) -> str:
        """What screen readers say."""

    @property
    def tip(self) -> str:
        """Tooltip, or nothing."""

    @property
    def is_choosable(self) -> bool:
        """Whether it can be chosen; heads of groups cannot."""


Item = TypeVar("Item", bound=ListItem)


class _Model(QAbstractListModel, Generic[Item]):
    def __init__(self) -> None:
        super().__init__()
        self.items: tuple[Item, ...] = ()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return item.words
        if role == Qt.ItemDataRole.ToolTipRole:
            return item.tip or None
        return item if role == ITEM_ROLE else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not self.items[index.row()].is_choosable:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class ItemList(QListView, Generic[Item]):
    """The view; a subclass says how items are painted and what the choice of one means.

    Parameters
    ----------
    name
        What screen readers call the list.
    delegate
        Class of what paints an item; it gets the item under `ITEM_ROLE`.
    mode
        How many items can be chosen.

    Signals
    -------
    selection_changed
        By the user or by `choose`, not by other items being shown.
    """

    selection_changed = Signal()

    def __init__(
        self,
        name: str,
        delegate: type[QStyledItemDelegate],
        mode: QAbstractItemView.SelectionMode,
    ) -> None:
        super().__init__()
        self._model: _Model[Item] = _Model()
        self._is_quiet = False
        self.setModel(self._model)
        self.setItemDelegate(delegate(self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(mode)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        theme().changed.connect(self.viewport().update)

    def items(self) -> tuple[Item, ...]:
        """Return what is shown."""
        return self._model.items

    def index_of(self, row: int) -> QModelIndex:
        """Return Qt's index of an item."""
        return self._model.index(row)

    def repaint_items(self, items: Sequence[Item]) -> None:
        """Show the same items with other words."""
        self._model.items = tuple(items)
        self.viewport().update()

    def replace_items(self, items: Sequence[Item], choose: Callable[[], object]) -> None:
        """Show other items; `choose` chooses again what was chosen, and nobody is told."""
        self._is_quiet = True
        self._model.beginResetModel()
        self._model.items = tuple(items)
        self._model.endResetModel()
        choose()
        self._is_quiet = False

    def _on_selection(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        del selected, deselected
        if not self._is_quiet:
            self.selection_changed.emit()
