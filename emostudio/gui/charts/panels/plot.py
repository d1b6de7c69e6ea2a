"""Points and lines over two axes."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from emostudio.gui.charts.canvas import paint_bottom_axis, paint_grid_rows
from emostudio.gui.charts.marks import paint_mark, series_colour, series_pen
from emostudio.gui.charts.panels.common import (
    key_rows,
    line_height,
    paint_key,
    paint_name,
    paint_title,
    paint_whisker,
)
from emostudio.gui.charts.ticks import format_tick, linear_ticks, log_ticks
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.workspace.charts.base import Line, Mark, Plot

_LEFT, _RIGHT = 34.0, 14.0
_WIDEST, _TALLEST = 0.5, 300.0
_NAME_STEP = 14.0
_MOST_WITH_WHISKERS = 3

_ToPixel = Callable[[float, float], QPointF]


def plot_height(panel: Plot, width: float) -> float:
    """Return the pixels a panel asks for."""
    return max(170.0, min(width * _WIDEST, _TALLEST)) + _key_height(panel, width)


def _full_lines(panel: Plot) -> list[Line]:
    return [line for line in panel.lines if line.role == "full"]


def _in_full(panel: Plot, selected: str) -> list[Line]:
    """Return the lines with full width, marks and whiskers.

    More than a few lines with whiskers hide each other: then two stand before the others, the
    teacher's and that of the selected variant, or the first variant's.
    """
    lines = _full_lines(panel)
    if sum(bool(line.intervals) for line in lines) <= _MOST_WITH_WHISKERS:
        return lines
    others = sorted(lines[1:], key=lambda line: line.name != selected)
    return [lines[0], *others[:1]]


def _has_end_names(panel: Plot) -> bool:
    """Whether lines are named behind their ends; where they end at the edge a key names them."""
    return panel.x.high is None


def _key_entries(panel: Plot) -> list[tuple[str, int]]:
    lines = _full_lines(panel)
    return [] if _has_end_names(panel) else [(line.name, line.slot) for line in lines]


def _key_height(panel: Plot, width: float) -> float:
    return line_height() * len(key_rows(_key_entries(panel), width))


def paint_plot(painter: QPainter, rect: QRectF, panel: Plot, selected: str = "") -> None:
    """Paint a panel: title, key, what the axes count, grid, lines, marks, names."""
    top = rect.top() + paint_title(painter, rect, panel.title)
    place = QRectF(rect.left(), top, rect.width(), rect.height())
    top += paint_key(painter, place, _key_entries(panel), has_lines=True)
    above = QRectF(rect.left(), top, rect.width(), line_height())
    paint_text(painter, above, panel.y.title, "caption", "text3")
    top = above.bottom()
    foot = 2 * line_height() + 2
    area = QRectF(
        rect.left() + _LEFT, top + 6, rect.width() - _LEFT - _names_room(panel, rect.width()),
        rect.bottom() - foot - top - 6,
    )  # fmt: skip
    to_pixel = _scales(panel, area)
    _paint_axes(painter, area, panel, to_pixel)
    below = QRectF(area.left(), rect.bottom() - line_height(), area.width(), line_height())
    paint_text(painter, below, panel.x.title, "caption", "text3", Qt.AlignmentFlag.AlignHCenter)
    in_full = _in_full(panel, selected)
    for line in sorted(panel.lines, key=lambda one: one in in_full):  # those in full on top
        _paint_line(painter, line, to_pixel, is_full=line in in_full)
    for mark in panel.marks:
        _paint_mark(painter, mark, to_pixel)
    if _has_end_names(panel):
        _paint_names(painter, rect, panel, to_pixel)


def _names_room(panel: Plot, width: float) -> float:
    names = [line.name for line in _full_lines(panel)] + [mark.name for mark in panel.marks]
    if not _has_end_names(panel) or not names:
        return _RIGHT
    longest = max(metrics("caption_bold").horizontalAdvance(name) for name in names)
    return float(min(longest + 22, 0.35 * width))


def _ends(panel: Plot) -> tuple[float, float, float, float]:
    points = [
        (x, y)
        for line in panel.lines
        if line.role != "limit"
        for x, y in zip(line.xs, line.ys, strict=True)
    ]
    points += [(m.x, y) for m in panel.marks for y in (m.y, *(m.y_interval or ()))]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_low = min(xs) if panel.x.low is None else min(panel.x.low, *xs)
    x_high = max(xs) if panel.x.high is None else panel.x.high
    room = 0.06 * (max(ys) - min(ys)) or 1.0
    y_low = max(0.0, min(ys) - room) if panel.y.low is None else panel.y.low
    y_high = max(ys) + room if panel.y.high is None else panel.y.high
    return x_low, x_high if x_high > x_low else x_low + 1.0, y_low, y_high


def _scales(panel: Plot, area: QRectF) -> _ToPixel:
    x_low, x_high, y_low, y_high = _ends(panel)
    along = math.log if panel.x.is_log else float

    def to_pixel(x: float, y: float) -> QPointF:
        share = (along(x) - along(x_low)) / (along(x_high) - along(x_low))
        height = (y - y_low) / (y_high - y_low)
        return QPointF(area.left() + share * area.width(), area.bottom() - height * area.height())

    return to_pixel


def _paint_axes(painter: QPainter, area: QRectF, panel: Plot, to_pixel: _ToPixel) -> None:
    x_low, x_high, y_low, y_high = _ends(panel)
    rows = linear_ticks(y_low, y_high, 5)
    paint_grid_rows(
        painter, area, [(to_pixel(x_low, tick).y(), format_tick(tick)) for tick in rows], _LEFT - 10
    )
    columns = (
        log_ticks(x_low, x_high, 6)
        if panel.x.is_log
        else linear_ticks(x_low, x_high, 6, is_whole=panel.x.is_whole)
    )
    places = [(to_pixel(tick, y_low).x(), format_tick(tick)) for tick in columns]
    paint_bottom_axis(painter, area, places)


def _paint_line(painter: QPainter, line: Line, to_pixel: _ToPixel, *, is_full: bool) -> None:
    points = [to_pixel(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
    painter.setPen(_pen(line, is_full=is_full))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if line.role == "frontier":
        corners = points[:1]
        for point in points[1:]:
            corners += [QPointF(point.x(), corners[-1].y()), point]
        points = corners
    painter.drawPolyline(QPolygonF(points))
    if line.role != "full":
        return
    if is_full:
        for x, bounds in zip(line.xs, line.intervals, strict=False):
            if bounds is not None:
                paint_whisker(painter, line.slot, to_pixel(x, bounds[0]), to_pixel(x, bounds[1]))
    for point in points if line.intervals and is_full else points[-1:]:
        paint_mark(painter, line.slot, point, 8 if is_full else 6)


def _pen(line: Line, *, is_full: bool) -> QPen:
    if is_full:
        return series_pen(line.slot)
    if line.role in {"full", "thin"}:
        colour = series_colour(line.slot)
        colour.setAlphaF(0.55)
        return QPen(colour, 1)
    token = {"frontier": "accent", "limit": "text2"}.get(line.role, "text3")
    pen = QPen(theme().colour(token), 2 if line.role == "frontier" else 1.25)
    if line.role != "frontier":
        pen.setDashPattern([4, 3])
    return pen


def _paint_mark(painter: QPainter, mark: Mark, to_pixel: _ToPixel) -> None:
    for low, high in (mark.y_interval,) if mark.y_interval else ():
        paint_whisker(painter, mark.slot, to_pixel(mark.x, low), to_pixel(mark.x, high))
    paint_mark(painter, mark.slot, to_pixel(mark.x, mark.y), 10)


def _paint_names(painter: QPainter, rect: QRectF, panel: Plot, to_pixel: _ToPixel) -> None:
    """Write names behind last points and marks; where they meet, one gives way downwards."""
    ends = [(to_pixel(line.xs[-1], line.ys[-1]), line.name, line.slot)
            for line in _full_lines(panel)]  # fmt: skip
    ends += [(to_pixel(mark.x, mark.y), mark.name, mark.slot) for mark in panel.marks]
    taken: list[QPointF] = []
    for point, name, slot in sorted(ends, key=lambda end: end[0].y()):
        at = QPointF(point.x() + 9, point.y())
        width = metrics("caption_bold").horizontalAdvance(name)
        for other in taken:
            if abs(other.x() - at.x()) < width and abs(other.y() - at.y()) < _NAME_STEP:
                at.setY(other.y() + _NAME_STEP)
        taken.append(at)
        paint_name(painter, at, name, slot, rect.right() - at.x())
