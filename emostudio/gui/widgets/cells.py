"""How table cells and heads are painted."""

from __future__ import annotations

import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE, SPACE, mix, series
from emostudio.gui.verdict_badge import paint_badge
from emostudio.gui.widgets.labels import paint_swatch
from emostudio.qt.table_models import CELL_ROLE, Cell, Column, IntervalScale

_PAD = 8
_NUMBER_ROOM = 56

_Index = QModelIndex | QPersistentModelIndex


class CellDelegate(QStyledItemDelegate):
    """Paints a `Cell`: swatch, text, interval, heat, verdict."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one cell with its row rule."""
        cell = index.data(CELL_ROLE)
        column = index.model().headerData(index.column(), Qt.Orientation.Horizontal, CELL_ROLE)
        if not isinstance(cell, Cell) or not isinstance(column, Column):
            return
        rect = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        _paint_row(painter, rect, selected, is_first=index.column() == 0)
        ratio = painter.device().devicePixelRatioF()
        if cell.verdict:
            paint_badge(painter, rect.left() + _PAD, rect.center().y(), cell.verdict, ratio)
        else:
            _paint_content(painter, rect.adjusted(_PAD, 0, -_PAD, 0), cell, column)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Ask for the width of the text and what stands beside it."""
        del option
        cell = index.data(CELL_ROLE)
        if not isinstance(cell, Cell):
            return QSize(0, SPACE.row)
        width = QFontMetrics(theme().font(_style(cell))).horizontalAdvance(cell.text)
        extra = 34 if cell.slot is not None else 20 if cell.icon else 0
        if cell.verdict:
            width = QFontMetrics(theme().font("caption_medium")).horizontalAdvance(cell.verdict)
            extra = 44
        return QSize(width + 2 * _PAD + extra, SPACE.row)

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: _Index,
    ) -> bool:
        """Show the tooltip; words that do not fit stand whole before it."""
        words = self.words_of_tooltip(option, index)
        QToolTip.showText(event.globalPos(), words, view)
        return bool(words)

    def words_of_tooltip(self, option: QStyleOptionViewItem, index: _Index) -> str:
        """Return what the tooltip of a cell says where it has this much room."""
        cell = index.data(CELL_ROLE)
        if not isinstance(cell, Cell):
            return ""
        is_cut = self.sizeHint(option, index).width() > option.rect.width()
        parts = (cell.text if is_cut and not cell.verdict else "", cell.tooltip)
        return "\n".join(part for part in parts if part)


def _style(cell: Cell) -> str:
    return "small_bold" if cell.is_bold else "small"


def _paint_row(painter: QPainter, rect: QRectF, selected: bool, *, is_first: bool) -> None:
    colours = theme().colours
    if selected:
        painter.fillRect(rect, QColor(colours.accent_soft))
        if is_first:
            edge = QRectF(rect.left(), rect.top(), 3, rect.height())
            painter.fillRect(edge, QColor(colours.accent))
    painter.setPen(QPen(QColor(colours.line), 1))
    bottom = rect.bottom() - 0.5
    painter.drawLine(QPointF(rect.left(), bottom), QPointF(rect.right(), bottom))


def _paint_content(painter: QPainter, rect: QRectF, cell: Cell, column: Column) -> None:
    colours = theme().colours
    if cell.heat is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        share = max(0.0, min(1.0, cell.heat)) * colours.heat_share
        painter.setBrush(QColor(mix(colours.card, colours.accent, share)))
        box = rect.adjusted(-_PAD + 2, 3, _PAD - 2, -4)
        painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
    if cell.slot is not None:
        paint_swatch(painter, rect.left(), rect.center().y(), cell.slot)
        rect = rect.adjusted(34, 0, 0, 0)
    if cell.icon:
        pixmap = theme().pixmap(cell.icon, cell.tone, 16, painter.device().devicePixelRatioF())
        painter.drawPixmap(round(rect.left()), round(rect.center().y() - 8), pixmap)
        rect = rect.adjusted(22, 0, 0, 0)
    if cell.interval is not None and column.scale is not None:
        place = rect.adjusted(0, 0, -_NUMBER_ROOM, 0)
        paint_interval(painter, place, cell.interval, column.scale, cell)
        rect = rect.adjusted(rect.width() - _NUMBER_ROOM, 0, 0, 0)
    _paint_text(painter, rect, cell, column)


def _paint_text(painter: QPainter, rect: QRectF, cell: Cell, column: Column) -> None:
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    style, tone = _style(cell), "bad" if cell.has_lost else cell.tone
    text = paint_text(painter, rect, cell.text, style, tone, side)
    if cell.has_lost:
        right = rect.right() - metrics(style).horizontalAdvance(text) - 5
        middle = rect.center().y()
        corners = [(right - 9, middle - 4), (right, middle - 4), (right - 4.5, middle + 4)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().colour("bad"))
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))


def paint_interval(
    painter: QPainter,
    rect: QRectF,
    interval: tuple[float, float, float],
    scale: IntervalScale,
    cell: Cell,
) -> None:
    """Draw a line from low to high with a dot at the middle, and the teacher's rule."""
    colours = theme().colours
    low, middle, high = (_place(value, rect, scale) for value in interval)
    y = rect.center().y()
    if scale.reference is not None:
        x = _place(scale.reference, rect, scale)
        painter.setPen(QPen(QColor(colours.line2), 1))
        painter.drawLine(QPointF(x, rect.top() + 4), QPointF(x, rect.bottom() - 4))
    name = colours.text3 if cell.is_hollow else series(cell.interval_slot).colour(theme().name)
    colour = QColor(name)
    painter.setPen(QPen(colour, 2))
    painter.drawLine(QPointF(low, y), QPointF(high, y))
    painter.setPen(QPen(colour, 1.5) if cell.is_hollow else Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.card) if cell.is_hollow else colour)
    painter.drawEllipse(QPointF(middle, y), 3.5, 3.5)


def _place(value: float, rect: QRectF, scale: IntervalScale) -> float:
    low, high = scale.low, scale.high
    if scale.is_log:
        value, low, high = (math.log(max(part, 1e-9)) for part in (value, low, high))
    share = (value - low) / (high - low) if high > low else 0.5
    return rect.left() + 4 + max(0.0, min(1.0, share)) * max(0.0, rect.width() - 8)


class TwoLineHeader(QHeaderView):
    """Name over unit, numbers right, groups centred over a rule, a small triangle when sorted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setSortIndicatorShown(True)
        theme().changed.connect(self.viewport().update)

    def sizeHint(self) -> QSize:
        """Ask for two lines, three where columns are grouped."""
        size = super().sizeHint()
        columns = [self._column(section) for section in range(self.count())]
        is_grouped = any(column is not None and column.group for column in columns)
        has_units = any(column is not None and column.unit for column in columns)
        high = (SPACE.table_head if has_units else 30) + (18 if is_grouped else 0)
        return QSize(size.width(), round(high * theme().scale))

    def _column(self, section: int) -> Column | None:
        found = self.model().headerData(section, Qt.Orientation.Horizontal, CELL_ROLE)
        return found if isinstance(found, Column) else None

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:  # noqa: N803 - Qt's own name
        """Draw one head."""
        column = self._column(logicalIndex)
        if column is None:
            return
        colours = theme().colours
        box = QRectF(rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(box, QColor(colours.card))
        painter.setPen(QPen(QColor(colours.line2), 1))
        bottom = box.bottom() - 0.5
        painter.drawLine(QPointF(box.left(), bottom), QPointF(box.right(), bottom))
        self._paint_words(painter, box.adjusted(_PAD, 0, -_PAD, -4), column, logicalIndex)
        if column.group:
            self._paint_group(painter, box, logicalIndex, column.group)
        painter.restore()

    def _paint_words(self, painter: QPainter, box: QRectF, column: Column, section: int) -> None:
        colours = theme().colours
        side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
        line = QFontMetrics(theme().font("caption")).height() + 1
        unit_top = box.bottom() - line
        name_box = QRectF(
            box.left(), unit_top - line if column.unit else unit_top, box.width(), line
        )
        _paint_line(painter, name_box, column.title, ("caption_medium", colours.text2), side)
        if column.unit:
            unit_box = QRectF(box.left(), unit_top, box.width(), line)
            _paint_line(painter, unit_box, column.unit, ("caption", colours.text3), side)
        if section == self.sortIndicatorSection() and self.isSortIndicatorShown():
            width = QFontMetrics(theme().font("caption_medium")).horizontalAdvance(column.title)
            x = box.right() - width - 9 if column.is_number else box.left() + width + 9
            self._paint_triangle(painter, x, name_box.center().y())

    def _paint_triangle(self, painter: QPainter, x: float, y: float) -> None:
        tip = 3 if self.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder else -3
        corners = [QPointF(x - 4, y - tip), QPointF(x + 4, y - tip), QPointF(x, y + tip)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().colours.accent))
        painter.drawPolygon(QPolygonF(corners))

    def _paint_group(self, painter: QPainter, box: QRectF, section: int, group: str) -> None:
        first = last = self.visualIndex(section)
        while first > 0 and self._group_at(first - 1) == group:
            first -= 1
        while last + 1 < self.count() and self._group_at(last + 1) == group:
            last += 1
        left = self.sectionViewportPosition(self.logicalIndex(first))
        end = self.logicalIndex(last)
        width = self.sectionViewportPosition(end) + self.sectionSize(end) - left
        head = QRectF(left, box.top(), width, 18)
        painter.setClipRect(box)
        painter.setFont(theme().font("caption_medium"))
        painter.setPen(QColor(theme().colours.text2))
        painter.drawText(head, Qt.AlignmentFlag.AlignCenter, group)
        painter.setPen(QPen(QColor(theme().colours.line), 1))
        y = head.bottom() + 0.5
        painter.drawLine(QPointF(head.left() + 6, y), QPointF(head.right() - 6, y))

    def _group_at(self, visual: int) -> str:
        column = self._column(self.logicalIndex(visual))
        return column.group if column is not None else ""


def _paint_line(
    painter: QPainter,
    box: QRectF,
    text: str,
    look: tuple[str, str],
    side: Qt.AlignmentFlag,
) -> None:
    """Draw one line of a head in a font and a colour; its beginning is never cut."""
    style, colour = look
    font = theme().font(style)
    room = max(8, round(box.width()))
    painter.setFont(font)
    painter.setPen(QColor(colour))
    whole = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
    painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, whole)
