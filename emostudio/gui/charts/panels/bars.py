"""Values by row: bars from zero for one series, dots of their own shapes for several."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from emostudio.core.units import signed
from emostudio.gui.charts.marks import paint_mark, series_colour
from emostudio.gui.charts.panels.common import (
    key_rows,
    line_height,
    paint_key,
    paint_title,
    paint_whisker,
)
from emostudio.gui.charts.ticks import format_tick, linear_ticks
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.workspace.charts.base import Bar, Bars

_ROW, _DOT_ROW, _DOTS_GAP = 20.0, 12.0, 8.0
_NAME_SHARE = 0.42
_EDGE = 6.0
_DOTS_END = 1.03
"""How far the axis goes on behind the last dot."""

_ToPixel = Callable[[float], float]


def bars_height(panel: Bars, width: float) -> float:
    """Return the pixels a panel asks for."""
    head = line_height("small_bold") + _key_height(panel, width) + _upper_scale_height(panel)
    return head + _rows_height(panel) + line_height() + 10


def _upper_scale_height(panel: Bars) -> float:
    """Rows of dots grow longer than the window: they have their scale above as well."""
    return line_height() if len(panel.series) > 1 else 0.0


def _rows_height(panel: Bars) -> float:
    count = len(panel.series)
    row = _ROW if count == 1 else _DOT_ROW * count + _DOTS_GAP
    return row * theme().scale * len(panel.rows)


def _key_height(panel: Bars, width: float) -> float:
    if len(panel.series) == 1:
        return 0.0
    return line_height() * len(key_rows(list(panel.series), width))


def paint_bars(painter: QPainter, rect: QRectF, panel: Bars) -> None:
    """Paint a panel: title, key, rows, scale."""
    used = paint_title(painter, rect, panel.title)
    if len(panel.series) > 1:
        paint_key(painter, rect.adjusted(0, used, 0, 0), list(panel.series), has_lines=False)
    area = _rows_area(rect, panel)
    low, high = _ends(panel, area.width())

    def x_of(value: float) -> float:
        return float(area.left() + (value - low) / (high - low) * area.width())

    ticks = [(x_of(tick), tick) for tick in linear_ticks(low, high, 4)]
    _paint_scale(painter, area, ticks, is_above=len(panel.series) > 1)
    height = area.height() / len(panel.rows)
    for place, (name, row) in enumerate(zip(panel.rows, panel.values, strict=True)):
        line = QRectF(area.left(), area.top() + place * height, area.width(), height)
        side = QRectF(rect.left(), line.top(), area.left() - rect.left() - 8, height)
        paint_text(painter, side, name, "caption", "text2")
        if len(panel.series) == 1:
            _paint_bar(painter, line, row[0], (x_of, panel.decimals))
        else:
            _paint_dots(painter, line, panel, row, x_of)


def row_name(rect: QRectF, panel: Bars, y: float) -> str:
    """Return the name of the row at a height of the panel in `rect`, empty beside the rows."""
    area = _rows_area(rect, panel)
    place = int((y - area.top()) // (area.height() / len(panel.rows)))
    return panel.rows[place] if 0 <= place < len(panel.rows) else ""


def _rows_area(rect: QRectF, panel: Bars) -> QRectF:
    head = line_height("small_bold") if panel.title else 0.0
    top = rect.top() + head + _key_height(panel, rect.width()) + _upper_scale_height(panel)
    names = max(metrics("caption").horizontalAdvance(name) for name in panel.rows) + 10
    left = rect.left() + min(names, _NAME_SHARE * rect.width())
    return QRectF(left, top, rect.right() - left - _edge(panel), _rows_height(panel))


def _edge(panel: Bars) -> float:
    """Return the room right of the rows: half of the longest label that may stand at their end."""
    texts = (format_tick(tick) for tick in linear_ticks(*_span(panel), 4))
    widest = max(metrics("caption").horizontalAdvance(text) for text in texts)
    return max(_EDGE, float(widest) / 2 + 2)


def _span(panel: Bars) -> tuple[float, float]:
    known = [
        end
        for row in panel.values
        for bar in row
        if bar.value is not None
        for end in (bar.value, *(bar.interval or ()))
    ]
    low = min([0.0, *known]) if panel.scale.low is None else panel.scale.low
    high = _DOTS_END * max([0.0, *known]) if panel.scale.high is None else panel.scale.high
    return low, high if high > low else low + 1.0


def _ends(panel: Bars, width: float) -> tuple[float, float]:
    low, high = _span(panel)
    if len(panel.series) > 1:
        return low, high
    texts = [_number(bar, panel.decimals) for row in panel.values for bar in row]
    room = max(metrics("caption_bold").horizontalAdvance(text) for text in texts) + 10
    has_left = low < 0
    scale = (high - low) / max(width - room * (1 + has_left), 20.0)
    return low - room * scale * has_left, high + room * scale


def _paint_scale(
    painter: QPainter, area: QRectF, ticks: list[tuple[float, float]], *, is_above: bool
) -> None:
    tops = [area.bottom() + 1, *([area.top() - line_height()] if is_above else [])]
    for x, tick in ticks:
        painter.setPen(QPen(theme().colour("line2" if tick == 0 else "line"), 1))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        for top in tops:
            place = QRectF(x - 30, top, 60, line_height())
            paint_text(painter, place, format_tick(tick), "caption", "text3",
                       Qt.AlignmentFlag.AlignHCenter)  # fmt: skip


def _number(bar: Bar, decimals: int) -> str:
    if bar.value is None:
        return "–"
    return signed(bar.value, decimals) if bar.value < 0 else f"{bar.value:,.{decimals}f}"


def _paint_bar(painter: QPainter, line: QRectF, bar: Bar, how: tuple[_ToPixel, int]) -> None:
    x_of, decimals = how
    zero = x_of(0.0)
    middle = line.center().y()
    text = _number(bar, decimals)
    if bar.value is None:
        place = QRectF(zero + 4, line.top(), 40, line.height())
        paint_text(painter, place, text, "caption", "text3")
        return
    end = x_of(bar.value)
    half = min(5.0, line.height() / 4)
    box = QRectF(min(zero, end), middle - half, max(abs(end - zero), 1.0), 2 * half)
    painter.fillRect(box, series_colour(bar.slot))
    reach = end
    if bar.interval is not None:
        ends = [x_of(bound) for bound in bar.interval]
        painter.setPen(QPen(theme().colour("text"), 1.5))
        painter.drawLine(QPointF(ends[0], middle), QPointF(ends[1], middle))
        reach = max(ends) if bar.value >= 0 else min(ends)
    width = metrics("caption_bold").horizontalAdvance(text) + 2
    left = reach + 4 if bar.value >= 0 else reach - 4 - width
    paint_text(painter, QRectF(left, line.top(), width, line.height()), text,
               "caption_bold", "text")  # fmt: skip


def _paint_dots(
    painter: QPainter, line: QRectF, panel: Bars, row: tuple[Bar, ...], x_of: _ToPixel
) -> None:
    painter.setPen(QPen(theme().colour("line"), 1))
    painter.drawLine(line.bottomLeft(), line.bottomRight())
    step = (line.height() - _DOTS_GAP) / len(row)
    for number, (bar, (_, slot)) in enumerate(zip(row, panel.series, strict=True)):
        if bar.value is None:
            continue
        y = line.top() + _DOTS_GAP / 2 + step * (number + 0.5)
        if bar.interval is not None:
            low, high = (x_of(bound) for bound in bar.interval)
            paint_whisker(painter, slot, QPointF(low, y), QPointF(high, y))
        paint_mark(painter, slot, QPointF(x_of(bar.value), y), 7)
