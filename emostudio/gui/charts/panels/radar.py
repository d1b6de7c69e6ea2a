"""Rings over axes that all run from 0 at the centre to 1."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from emostudio.gui.charts.marks import paint_mark, series_pen
from emostudio.gui.charts.panels.common import key_rows, key_width, line_height, paint_key
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.workspace.charts.base import Radar

_LEVELS = (0.25, 0.5, 0.75, 1.0)
_TALLEST, _LEAST = 360.0, 230.0
_WIDE = 1.6
"""Width to height from which the key has room beside the rings."""


def radar_height(panel: Radar, width: float) -> float:
    """Return the pixels a panel asks for."""
    key = line_height() * len(key_rows(_entries(panel), width))
    return max(_LEAST, min(_TALLEST, 0.6 * width)) + key


def _entries(panel: Radar) -> list[tuple[str, int]]:
    return [(name, slot) for name, slot, _ in panel.rings]


def paint_radar(painter: QPainter, rect: QRectF, panel: Radar) -> None:
    """Paint grid, names of the axes and one ring per variant."""
    area = _paint_key(painter, rect, _entries(panel))
    centre = area.center()
    names = max(metrics("caption").horizontalAdvance(name) for name in panel.axes)
    radius = max(40.0, min(area.height() / 2 - line_height() - 4, area.width() / 2 - names - 10))
    count = len(panel.axes)

    def corner(place: int, share: float) -> QPointF:
        angle = 2 * math.pi * place / count
        reach = share * radius
        return QPointF(centre.x() + reach * math.sin(angle), centre.y() - reach * math.cos(angle))

    painter.setBrush(Qt.BrushStyle.NoBrush)
    for level in _LEVELS:
        painter.setPen(QPen(theme().colour("line2" if level == 1 else "line"), 1))
        painter.drawPolygon(QPolygonF([corner(place, level) for place in range(count)]))
    for place, name in enumerate(panel.axes):
        painter.setPen(QPen(theme().colour("line"), 1))
        painter.drawLine(centre, corner(place, 1.0))
        _paint_axis_name(painter, corner(place, 1.0), centre, name)
    for _, slot, values in panel.rings:
        _paint_ring(painter, slot, [None if v is None else corner(p, v)
                                    for p, v in enumerate(values)])  # fmt: skip


def _paint_key(painter: QPainter, rect: QRectF, entries: list[tuple[str, int]]) -> QRectF:
    """Paint the key left of the rings where these fill the height, else above.

    Returns
    -------
    What is left for the rings.
    """
    widest = max((key_width(name) for name, _ in entries), default=0.0)
    is_beside = rect.width() - widest > _WIDE * rect.height()
    if is_beside and line_height() * len(entries) <= rect.height():
        paint_key(painter, QRectF(rect.topLeft(), QSizeF(widest, rect.height())), entries,
                  has_lines=True)  # fmt: skip
        return rect.adjusted(widest, 0, 0, 0)
    return rect.adjusted(0, paint_key(painter, rect, entries, has_lines=True) + 4, 0, 0)


def _paint_axis_name(painter: QPainter, at: QPointF, centre: QPointF, name: str) -> None:
    width, height = metrics("caption").horizontalAdvance(name) + 2, line_height()
    dx, dy = at.x() - centre.x(), at.y() - centre.y()
    if abs(dx) < 4:
        left, align = at.x() - width / 2, Qt.AlignmentFlag.AlignHCenter
    elif dx > 0:
        left, align = at.x() + 6, Qt.AlignmentFlag.AlignLeft
    else:
        left, align = at.x() - 6 - width, Qt.AlignmentFlag.AlignRight
    lift = 0.0 if abs(dy) <= abs(dx) else math.copysign(height / 2, dy)
    top = at.y() - height / 2 + lift
    paint_text(painter, QRectF(left, top, width, height), name, "caption", "text2", align)


def _paint_ring(painter: QPainter, slot: int, points: list[QPointF | None]) -> None:
    painter.setPen(series_pen(slot))
    for start, end in zip(points, [*points[1:], points[0]], strict=True):
        if start is not None and end is not None:
            painter.drawLine(start, end)
    for point in points:
        if point is not None:
            paint_mark(painter, slot, point, 7)
