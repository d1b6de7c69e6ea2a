"""Marks and swatches of variants: colour, dash and shape together, on every page."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from emostudio.gui.theme import theme
from emostudio.gui.tokens import series

TEACHER_WIDTH = 2.5
VARIANT_WIDTH = 2.0


def series_colour(slot: int, theme_name: str = "") -> QColor:
    """Return the colour of a slot's lines and marks."""
    return QColor(series(slot).colour(theme_name or theme().name))


def series_ink(slot: int, theme_name: str = "") -> QColor:
    """Return the colour of a slot's labels."""
    return QColor(series(slot).ink(theme_name or theme().name))


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
    path = QPainterPath()
    radius = size / 2
    if mark == "o":
        path.addEllipse(centre, radius, radius)
    elif mark == "s":
        side = radius * 0.9
        path.addRect(QRectF(centre.x() - side, centre.y() - side, 2 * side, 2 * side))
    elif mark == "star":
        _add_corners(path, centre, radius * 1.2, 10, inner=0.45)
    else:
        corners, turn = {"t1": (3, 0.0), "t": (3, math.pi), "d": (4, 0.0), "p": (5, 0.0)}[mark]
        _add_corners(path, centre, radius * 1.15, corners, turn=turn)
    return path


def _add_corners(
    path: QPainterPath,
    centre: QPointF,
    radius: float,
    corners: int,
    turn: float = 0.0,
    inner: float = 1.0,
) -> None:
    for index in range(corners):
        angle = turn - math.pi / 2 + 2 * math.pi * index / corners
        length = radius * (inner if index % 2 else 1.0)
        point = QPointF(
            centre.x() + length * math.cos(angle), centre.y() + length * math.sin(angle)
        )
        path.moveTo(point) if index == 0 else path.lineTo(point)
    path.closeSubpath()


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
