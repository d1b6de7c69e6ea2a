"""Marks and swatches of variants: colour, dash and shape together, on every page."""

from __future__ import annotations

from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from emostudio.gui.theme import theme
from emostudio.gui.tokens import series

TEACHER_WIDTH = 2.5
VARIANT_WIDTH = 2.0


def series_colour(slot: int, theme_name: str = "") -> QColor:
    """Return the colour of a slot's lines and marks."""
    return QColor(series(slot).colour(theme_name or theme().name))


def series_ink(slot: int) -> QColor:
    """Return the colour of a slot's labels."""
    return QColor(series(slot).ink(theme().name))


def series_pen(slot: int, theme_name: str = "", width: float | None = None) -> QPen:
    """Return the pen of a slot's lines, dashed by its rule."""
    if width is None:
        width = TEACHER_WIDTH if slot == 0 else VARIANT_WIDTH
    pen = QPen(series_colour(slot, theme_name), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    dash = series(slot).dash
    if dash:
        pen.setDashPattern(list(dash))
    return pen


def mark_path(mark: str, centre: QPointF, size: float) -> QPainterPath:
    """Return the outline of a mark of `size` pixels around `centre`."""
    place = QTransform().translate(centre.x(), centre.y()).scale(size, size)
    return QPainterPath(place.map(Symbols[mark]))


def paint_mark(
    painter: QPainter, slot: int, centre: QPointF, size: float = 10, *, theme_name: str = ""
) -> None:
    """Paint the filled mark of a slot."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(mark_path(series(slot).mark, centre, size), series_colour(slot, theme_name))
    painter.restore()


def paint_swatch(painter: QPainter, slot: int, rect: QRectF, *, theme_name: str = "") -> None:
    """Paint a slot's line with its dash and mark, centred in `rect`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    y = rect.center().y()
    painter.setPen(series_pen(slot, theme_name))
    painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
    painter.restore()
    paint_mark(painter, slot, QPointF(rect.center().x(), y), 8, theme_name=theme_name)
