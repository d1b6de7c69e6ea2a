"""Teachers and variants as a tree of descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL
from emostudio.gui.verdict_badge import verdict_look
from emostudio.gui.widgets.item_list import ITEM_ROLE, Index, ItemList

_STEP = 18


@dataclass(frozen=True)
class LineageItem:
    """One model; `verdict` chooses the glyph of a variant, `right` is its size."""

    name: str
    detail: str
    right: str
    depth: int = 0
    verdict: str = ""

    @property
    def words(self) -> str:
        """What screen readers say."""
        return f"{self.name}, {self.detail}, {self.right}"

    @property
    def tip(self) -> str:
        """The name in full."""
        return self.name

    @property
    def is_choosable(self) -> bool:
        """Every model can be chosen."""
        return True


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        del option, index
        return QSize(100, round(46 * theme().scale))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item: LineageItem = index.data(ITEM_ROLE)
        rect = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour("accent_soft"))
            painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), RADIUS_CONTROL, RADIUS_CONTROL)
        left = rect.left() + 8 + item.depth * _STEP
        self._paint_lines(painter, rect, index.row())
        if item.depth == 0:
            icon, tone = "face", "text"
        else:
            _, tone, icon = verdict_look(item.verdict)
            icon, tone = (icon, tone) if icon else ("layers", "text3")
        size = 18 if item.depth == 0 else 14
        pixmap = theme().pixmap(icon, tone, size, painter.device().devicePixelRatioF())
        painter.drawPixmap(round(left), round(rect.center().y() - size / 2), pixmap)
        _paint_words(painter, rect.adjusted(left - rect.left() + 26, 4, -8, -4), item)
        painter.restore()

    def _paint_lines(self, painter: QPainter, rect: QRectF, row: int) -> None:
        painter.setPen(QPen(theme().colour("line2"), 1.25))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        view = self.parent()
        if not isinstance(view, Lineage):
            return
        item, later_items = view.items()[row], view.items()[row + 1 :]
        if item.depth:
            x = rect.left() + 8 + (item.depth - 1) * _STEP + 9
            y = rect.center().y()
            path = QPainterPath(QPointF(x, rect.top()))
            path.lineTo(x, y - 6)
            path.quadTo(x, y, x + 6, y)
            path.lineTo(x + 9, y)
            painter.drawPath(path)
        # Lines of ancestors whose next child comes further down pass through this row.
        for depth in range(1, item.depth + 1):
            if any(later.depth == depth for later in _until_shallower(later_items, depth)):
                x = rect.left() + 8 + (depth - 1) * _STEP + 9
                painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom() + 1))
        if later_items and later_items[0].depth > item.depth:
            x = rect.left() + 8 + item.depth * _STEP + 9
            painter.drawLine(QPointF(x, rect.center().y() + 12), QPointF(x, rect.bottom() + 1))


def _until_shallower(items: Sequence[LineageItem], depth: int) -> list[LineageItem]:
    found = []
    for item in items:
        if item.depth < depth:
            break
        found.append(item)
    return found


def _paint_words(painter: QPainter, rect: QRectF, item: LineageItem) -> None:
    middle = rect.height() / 2
    width = QFontMetrics(theme().font("small")).horizontalAdvance(item.right) + 6
    right = QRectF(rect.right() - width, rect.top(), width, middle)
    paint_text(painter, right, item.right, "small", "text2", Qt.AlignmentFlag.AlignRight)
    first = QRectF(rect.left(), rect.top(), rect.width() - width - 4, middle)
    paint_text(painter, first, item.name, "body_medium", "text")
    last = QRectF(rect.left(), rect.top() + middle, rect.width(), middle)
    paint_text(painter, last, item.detail, "caption", "text2")


class Lineage(ItemList[LineageItem]):
    """The tree; `chosen` carries the name of the model."""

    chosen = Signal(str)

    def __init__(self) -> None:
        name = QCoreApplication.translate("Lineage", "Lineage")
        super().__init__(name, _Delegate, QAbstractItemView.SelectionMode.SingleSelection)
        self.selection_changed.connect(lambda: self.chosen.emit(self.current_name()))

    def set_items(self, items: Sequence[LineageItem]) -> None:
        """Show other models; the chosen one stays chosen."""
        kept = self.current_name()
        self.replace_items(items, lambda: self.choose(kept))

    def current_name(self) -> str:
        """Return the chosen model, empty if there is none."""
        rows = self.selectionModel().selectedIndexes()
        return self.items()[rows[0].row()].name if rows else ""

    def choose(self, name: str) -> None:
        """Choose a model by name."""
        for row, item in enumerate(self.items()):
            if item.name == name:
                self.setCurrentIndex(self.index_of(row))
