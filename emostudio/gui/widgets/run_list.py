"""The queue: runs in groups, painted as progress rows, chosen by mouse or keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL
from emostudio.gui.widgets.labels import paint_swatch

_Index = QModelIndex | QPersistentModelIndex
_ITEM = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class RunItem:
    """One line of the queue; without `run_id` it is the head of a group."""

    title: str
    run_id: str = ""
    icon: str = ""
    token: str = "text2"
    message: str = ""
    message_tone: str = "text2"
    right: str = ""
    fraction: float | None = None
    has_bar: bool = False
    slot: int | None = None


class _Model(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.items: tuple[RunItem, ...] = ()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return " ".join(part for part in (item.title, item.message, item.right) if part)
        return item if role == _ITEM else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if not self.items[index.row()].run_id:
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        del option
        item: RunItem = index.data(_ITEM)
        if not item.run_id:
            return QSize(100, round(30 * theme().scale))
        return QSize(100, round((58 if item.has_bar else 46) * theme().scale))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        item: RunItem = index.data(_ITEM)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect)
        if not item.run_id:
            painter.setFont(theme().font("small"))
            painter.setPen(theme().colour("text2"))
            rest = rect.adjusted(8, 6, 0, 0)
            painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, item.title)
        else:
            if option.state & QStyle.StateFlag.State_Selected:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme().colour("accent_soft"))
                painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), RADIUS_CONTROL, RADIUS_CONTROL)
            _paint_item(painter, rect.adjusted(8, 5, -8, -5), item)
        painter.restore()


def _paint_item(painter: QPainter, rect: QRectF, item: RunItem) -> None:
    ratio = painter.device().devicePixelRatioF()
    pixmap = theme().pixmap(item.icon, item.token, 16, ratio)
    painter.drawPixmap(round(rect.left()), round(rect.top() + 3), pixmap)
    rect = rect.adjusted(24, 0, 0, 0)
    line = QFontMetrics(theme().font("body_medium")).height() + 2
    first = QRectF(rect.left(), rect.top(), rect.width(), line)
    if item.slot is not None:
        paint_swatch(painter, rect.right() - 26, first.center().y(), item.slot)
        first.setWidth(rect.width() - 34)
    _text(painter, first, item.title, "body_medium", "text")
    if item.has_bar:
        _paint_bar(painter, QRectF(rect.left(), first.bottom() + 2, rect.width(), 4), item)
    last = QRectF(rect.left(), rect.bottom() - line, rect.width(), line)
    width = QFontMetrics(theme().font("small")).horizontalAdvance(item.right) + 4
    right = QRectF(last.right() - width, last.top(), width, line)
    _text(painter, right, item.right, "small", "text2", Qt.AlignmentFlag.AlignRight)
    last.setWidth(last.width() - width - 8)
    _text(painter, last, item.message, "small", item.message_tone)


def _paint_bar(painter: QPainter, box: QRectF, item: RunItem) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("line2" if theme().name == "dark" else "line"))
    painter.drawRoundedRect(box, 2, 2)
    if item.fraction:
        painter.setBrush(theme().colour("warn" if item.token == "warn" else "accent"))
        box.setWidth(max(4.0, box.width() * min(1.0, item.fraction)))
        painter.drawRoundedRect(box, 2, 2)


def _text(
    painter: QPainter,
    rect: QRectF,
    text: str,
    style: str,
    tone: str,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    font = theme().font(style)
    painter.setFont(font)
    painter.setPen(QColor(getattr(theme().colours, tone)))
    room = max(8, int(rect.width()))
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
    painter.drawText(rect, side | Qt.AlignmentFlag.AlignVCenter, shown)


class RunList(QListView):
    """Runs in groups; several can be chosen to lay their curves over each other."""

    chosen = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._model = _Model()
        self.setModel(self._model)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(self.tr("Queue"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        theme().changed.connect(self.viewport().update)
        self._is_quiet = False

    def items(self) -> tuple[RunItem, ...]:
        """Return what is shown."""
        return self._model.items

    def set_items(self, items: Sequence[RunItem]) -> None:
        """Show other runs; what was chosen stays chosen."""
        new = tuple(items)
        if new == self._model.items:
            return
        old_ids = [(item.run_id, item.has_bar) for item in self._model.items]
        if [(item.run_id, item.has_bar) for item in new] == old_ids:
            self._model.items = new
            self.viewport().update()
            return
        chosen, current = self.chosen_ids(), self.current_id()
        self._is_quiet = True
        self._model.beginResetModel()
        self._model.items = new
        self._model.endResetModel()
        self.choose([run_id for run_id in chosen if run_id != current] + [current])
        self._is_quiet = False

    def current_id(self) -> str:
        """Return the run the keyboard stands on."""
        index = self.currentIndex()
        return self._model.items[index.row()].run_id if index.isValid() else ""

    def chosen_ids(self) -> list[str]:
        """Return all chosen runs, the current one first."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        ids = [self._model.items[row].run_id for row in rows]
        current = self.current_id()
        return ([current] if current in ids else []) + [i for i in ids if i != current]

    def choose(self, run_ids: Sequence[str]) -> None:
        """Choose runs; the last one becomes the current one."""
        selection = self.selectionModel()
        selection.clearSelection()
        for run_id in run_ids:
            for row, item in enumerate(self._model.items):
                if item.run_id and item.run_id == run_id:
                    index = self._model.index(row)
                    selection.setCurrentIndex(index, selection.SelectionFlag.Select)

    def _on_selection(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        del selected, deselected
        if not self._is_quiet:
            self.chosen.emit(self.chosen_ids())
