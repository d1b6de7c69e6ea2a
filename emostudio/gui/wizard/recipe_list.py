"""The steps of a recipe as cards: chosen, dragged, moved by keyboard, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL

_ROW = 46
_GAP = 8
_MENU_WIDTH = 36
_LOOK_ROLE = Qt.ItemDataRole.UserRole

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class StepCard:
    """What one recipe step shows; `factor` is by how much it shrinks the file, such as ÷ 3.7."""

    title: str
    settings: str
    factor: str = ""
    fault: str = ""


class RecipeList(QListWidget):
    """The recipe; it only asks for changes, the recipe itself lives elsewhere.

    Signals
    -------
    step_chosen
        Index of the step whose settings should be shown.
    move_asked
        Index of a step, and the index it should get.
    remove_asked, duplicate_asked
        Index of a step.
    """

    step_chosen = Signal(int)
    move_asked = Signal(int, int)
    remove_asked = Signal(int)
    duplicate_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Recipe steps"))
        self.setItemDelegate(_StepDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDropIndicatorShown(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self._drop_row: int | None = None
        self.currentRowChanged.connect(self._on_row)
        self._is_quiet = False
        theme().changed.connect(self._fit)

    def show_steps(self, steps: Sequence[StepCard], current: int) -> None:
        """Show these steps with one of them chosen."""
        self._is_quiet = True
        while self.count() > len(steps):
            self.takeItem(self.count() - 1)
        while self.count() < len(steps):
            self.addItem(QListWidgetItem())
        for number, step in enumerate(steps):
            item = self.item(number)
            item.setData(_LOOK_ROLE, step)
            parts = (f"{number + 1}", step.title, step.settings, step.factor, step.fault)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(p for p in parts if p))
            item.setToolTip(step.fault or step.settings)
        self.setCurrentRow(current)
        self._is_quiet = False
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with Alt+Up and Alt+Down, remove with Delete."""
        row = self.currentRow()
        is_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if row >= 0 and is_alt and event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            target = row + (1 if event.key() == Qt.Key.Key_Down else -1)
            if 0 <= target < self.count():
                self.move_asked.emit(row, target)
            return
        if row >= 0 and event.key() == Qt.Key.Key_Delete:
            self.remove_asked.emit(row)
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open a step's menu from its dots."""
        super().mouseReleaseEvent(event)
        item = self.itemAt(event.position().toPoint())
        if item is not None and event.button() == Qt.MouseButton.LeftButton:
            box = self.visualItemRect(item)
            if event.position().x() > box.right() - _MENU_WIDTH:
                self._open_menu(self.row(item), event.globalPosition().toPoint())

    def contextMenuEvent(self, event: object) -> None:
        """Open the chosen step's menu from the keyboard or the right button."""
        if self.currentRow() >= 0:
            place = self.visualItemRect(self.item(self.currentRow())).center()
            self._open_menu(self.currentRow(), self.viewport().mapToGlobal(place))
        del event

    def step_menu(self, row: int) -> QMenu:
        """Return the menu of a step."""
        menu = QMenu(self)
        theme().set_font(menu, "body")
        up = menu.addAction(self.tr("Move up\tAlt+Up"), lambda: self.move_asked.emit(row, row - 1))
        up.setEnabled(row > 0)
        down = menu.addAction(
            self.tr("Move down\tAlt+Down"), lambda: self.move_asked.emit(row, row + 1)
        )
        down.setEnabled(row < self.count() - 1)
        menu.addAction(self.tr("Duplicate"), lambda: self.duplicate_asked.emit(row))
        menu.addSeparator()
        menu.addAction(self.tr("Remove\tDel"), lambda: self.remove_asked.emit(row))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where the dragged step would go."""
        super().dragMoveEvent(event)
        self._drop_row = self._row_at(event.position().toPoint())
        self.viewport().update()
        event.accept()

    def dragLeaveEvent(self, event: object) -> None:
        """Take the mark of the drop away."""
        super().dragLeaveEvent(event)  # type: ignore[arg-type]  # QDragLeaveEvent
        self._drop_row = None
        self.viewport().update()

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask for the move; Qt itself moves nothing."""
        source = self.currentRow()
        target = self._row_at(event.position().toPoint())
        self._drop_row = None
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        if target > source:
            target -= 1
        if source >= 0 and target != source:
            self.move_asked.emit(source, target)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cards and the place of a drop."""
        super().paintEvent(event)
        if self._drop_row is None:
            return
        painter = QPainter(self.viewport())
        painter.setPen(QPen(theme().colour("accent"), 2))
        y = self._drop_row * self._row_height() - _GAP // 2
        y = min(max(y, 1), self.viewport().height() - 1)
        painter.drawLine(2, y, self.viewport().width() - 2, y)

    def _row_height(self) -> int:
        return round(_ROW * theme().scale) + _GAP

    def _row_at(self, place: QPoint) -> int:
        row = (place.y() + self._row_height() // 2) // self._row_height()
        return max(0, min(self.count(), row))

    def _open_menu(self, row: int, place: QPoint) -> None:
        self.step_menu(row).popup(place)

    def _on_row(self, row: int) -> None:
        if not self._is_quiet and row >= 0:
            self.step_chosen.emit(row)

    def _fit(self) -> None:
        self.setFixedHeight(max(self.count() * self._row_height(), 4))
        self.viewport().update()


class _StepDelegate(QStyledItemDelegate):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        del option, index
        return QSize(100, round(_ROW * theme().scale) + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        card = index.data(_LOOK_ROLE)
        if not isinstance(card, StepCard):
            return
        rect: QRect = option.rect
        state = option.state
        box = QRectF(rect).adjusted(1, 1, -1, -_GAP)
        is_chosen = bool(state & QStyle.StateFlag.State_Selected)
        is_under = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_box(painter, box, card, is_chosen=is_chosen, is_under=is_under)
        _paint_words(painter, box, card, index.row(), is_chosen=is_chosen)
        painter.restore()

    def editorEvent(self, event: QEvent, *rest: object) -> bool:
        del event, rest
        return False


def _paint_box(
    painter: QPainter, box: QRectF, card: StepCard, *, is_chosen: bool, is_under: bool
) -> None:
    colours = theme().colours
    line = colours.accent if is_chosen else colours.bad if card.fault else colours.line2
    fill = colours.accent_soft if is_chosen else colours.hover if is_under else colours.card
    painter.setPen(QPen(QColor(line), 1.5 if is_chosen else 1))
    painter.setBrush(QColor(fill))
    painter.drawRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)


def _paint_words(
    painter: QPainter, box: QRectF, card: StepCard, row: int, *, is_chosen: bool
) -> None:
    ratio = painter.device().devicePixelRatioF()
    middle = round(box.center().y() - 8)
    painter.drawPixmap(round(box.left()) + 10, middle, theme().pixmap("grip", "text3", 16, ratio))
    more = theme().pixmap("more", "text2", 16, ratio)
    painter.drawPixmap(round(box.right()) - 28, middle, more)
    number = QRectF(box.left() + 34, box.top(), 20, box.height())
    token = "accent_text" if is_chosen else "text2"
    paint_text(painter, number, str(row + 1), "body_bold", token, Qt.AlignmentFlag.AlignHCenter)
    factor_width = 74.0
    factor = QRectF(box.right() - 40 - factor_width, box.top(), factor_width, box.height())
    paint_text(painter, factor, card.factor, "body_medium", "text2", Qt.AlignmentFlag.AlignRight)
    left = box.left() + 60
    half = box.height() / 2
    room = factor.left() - left - 8
    title = QRectF(left, box.top() + 4, room, half - 3)
    paint_text(painter, title, card.title, "body_bold", "text")
    below = QRectF(left, box.top() + half + 1, room, half - 5)
    words, tone = (card.fault, "bad") if card.fault else (card.settings, "text2")
    paint_text(painter, below, words, "caption", tone)
