"""The queue: runs in groups, painted as progress rows, chosen by mouse or keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL
from emostudio.gui.widgets.item_list import ITEM_ROLE, Index, ItemList
from emostudio.gui.widgets.labels import paint_swatch


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

    @property
    def words(self) -> str:
        """What screen readers say."""
        return " ".join(part for part in (self.title, self.message, self.right) if part)

    @property
    def tip(self) -> str:
        """Everything is said in the list."""
        return ""

    @property
    def is_choosable(self) -> bool:
        """Whether this is a run, and no head."""
        return bool(self.run_id)


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        del option
        item: RunItem = index.data(ITEM_ROLE)
        if not item.run_id:
            return QSize(100, round(30 * theme().scale))
        return QSize(100, round((58 if item.has_bar else 46) * theme().scale))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item: RunItem = index.data(ITEM_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect)
        if not item.run_id:
            paint_text(painter, rect.adjusted(8, 6, 0, 0), item.title, "small", "text2")
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
    paint_text(painter, first, item.title, "body_medium", "text")
    if item.has_bar:
        _paint_bar(painter, QRectF(rect.left(), first.bottom() + 2, rect.width(), 4), item)
    last = QRectF(rect.left(), rect.bottom() - line, rect.width(), line)
    width = QFontMetrics(theme().font("small")).horizontalAdvance(item.right) + 4
    right = QRectF(last.right() - width, last.top(), width, line)
    paint_text(painter, right, item.right, "small", "text2", Qt.AlignmentFlag.AlignRight)
    last.setWidth(last.width() - width - 8)
    paint_text(painter, last, item.message, "small", item.message_tone)


def _paint_bar(painter: QPainter, box: QRectF, item: RunItem) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().colour("line2" if theme().name == "dark" else "line"))
    painter.drawRoundedRect(box, 2, 2)
    if item.fraction:
        painter.setBrush(theme().colour("warn" if item.token == "warn" else "accent"))
        box.setWidth(max(4.0, box.width() * min(1.0, item.fraction)))
        painter.drawRoundedRect(box, 2, 2)


class RunList(ItemList[RunItem]):
    """Runs in groups; several can be chosen to lay their curves over each other."""

    chosen = Signal(list)

    def __init__(self) -> None:
        name = QCoreApplication.translate("RunList", "Queue")
        super().__init__(name, _Delegate, QAbstractItemView.SelectionMode.ExtendedSelection)
        self.selection_changed.connect(lambda: self.chosen.emit(self.chosen_ids()))

    def set_items(self, items: Sequence[RunItem]) -> None:
        """Show other runs; what was chosen stays chosen."""
        new, old = tuple(items), self.items()
        if new == old:
            return
        if [(item.run_id, item.has_bar) for item in new] == [
            (item.run_id, item.has_bar) for item in old
        ]:
            self.repaint_items(new)
            return
        chosen, current = self.chosen_ids(), self.current_id()
        kept = [run_id for run_id in chosen if run_id != current] + [current]
        self.replace_items(new, lambda: self.choose(kept))

    def current_id(self) -> str:
        """Return the run the keyboard stands on."""
        index = self.currentIndex()
        return self.items()[index.row()].run_id if index.isValid() else ""

    def chosen_ids(self) -> list[str]:
        """Return all chosen runs, the current one first."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        ids = [self.items()[row].run_id for row in rows]
        current = self.current_id()
        return ([current] if current in ids else []) + [i for i in ids if i != current]

    def choose(self, run_ids: Sequence[str]) -> None:
        """Choose runs; the last one becomes the current one."""
        selection = self.selectionModel()
        selection.clearSelection()
        for run_id in run_ids:
            for row, item in enumerate(self.items()):
                if item.run_id and item.run_id == run_id:
                    selection.setCurrentIndex(self.index_of(row), selection.SelectionFlag.Select)
