"""A list of things to choose one from: name, facts below, a figure at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL, SPACE

_LOOK_ROLE = Qt.ItemDataRole.UserRole

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Choice:
    """One thing to choose."""

    key: str
    name: str
    facts: str
    figure: str = ""
    icon: str = "models"


class ChoiceList(QListWidget):
    """Rows of two lines.

    Signals
    -------
    chosen
        Key of the row the user chose.
    confirmed
        Key of the row that was double-clicked or got Enter.
    """

    chosen = Signal(str)
    confirmed = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(_ChoiceDelegate(self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._is_quiet = False
        self.currentItemChanged.connect(self._on_current)
        self.itemActivated.connect(lambda item: self.confirmed.emit(_choice(item).key))
        theme().changed.connect(self.viewport().update)

    def show_choices(self, choices: Sequence[Choice], current: str) -> None:
        """Show these choices with one of them chosen; an unknown key chooses none."""
        self._is_quiet = True
        self.clear()
        for choice in choices:
            item = QListWidgetItem()
            item.setData(_LOOK_ROLE, choice)
            words = ", ".join(part for part in (choice.name, choice.facts, choice.figure) if part)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
            item.setToolTip(choice.facts)
            self.addItem(item)
            if choice.key == current:
                self.setCurrentItem(item)
        self._is_quiet = False

    def choose(self, key: str) -> None:
        """Choose a row as a click does."""
        for row in range(self.count()):
            if _choice(self.item(row)).key == key:
                self.setCurrentRow(row)
                return

    def keys(self) -> tuple[str, ...]:
        """Return the keys on offer."""
        return tuple(_choice(self.item(row)).key for row in range(self.count()))

    def _on_current(self, item: QListWidgetItem | None) -> None:
        if item is not None and not self._is_quiet:
            self.chosen.emit(_choice(item).key)


def _choice(item: QListWidgetItem) -> Choice:
    found = item.data(_LOOK_ROLE)
    return found if isinstance(found, Choice) else Choice("", "", "")


class _ChoiceDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        del option, index
        return QSize(100, round((SPACE.row_two_lines + 4) * theme().scale))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        choice = index.data(_LOOK_ROLE)
        if not isinstance(choice, Choice):
            return
        state = option.state
        box = QRectF(option.rect).adjusted(1, 1, -1, -3)
        is_chosen = bool(state & QStyle.StateFlag.State_Selected)
        is_under = bool(state & QStyle.StateFlag.State_MouseOver)
        colours = theme().colours
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_chosen or is_under:
            line = QPen(QColor(colours.accent), 1.5) if is_chosen else Qt.PenStyle.NoPen
            painter.setPen(line)
            painter.setBrush(QColor(colours.accent_soft if is_chosen else colours.hover))
            painter.drawRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)
        ratio = painter.device().devicePixelRatioF()
        token = "accent_text" if is_chosen else "text2"
        icon = theme().pixmap(choice.icon, token, 16, ratio)
        painter.drawPixmap(round(box.left()) + 12, round(box.center().y() - 8), icon)
        figure_width = QFontMetrics(theme().font("body_medium")).horizontalAdvance(choice.figure)
        left, right = box.left() + 40, box.right() - 14 - figure_width
        half = box.height() / 2
        paint_text(painter, QRectF(left, box.top() + 4, right - left - 8, half - 3), choice.name,
              "body_bold", "text")  # fmt: skip
        paint_text(painter, QRectF(left, box.top() + half + 1, right - left - 8, half - 5),
              choice.facts, "small", "text2")  # fmt: skip
        figure = QRectF(right, box.top(), figure_width + 2, box.height())
        paint_text(painter, figure, choice.figure, "body_medium", "text2")
        painter.restore()
