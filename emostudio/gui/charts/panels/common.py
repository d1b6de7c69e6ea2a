"""What the panels share: titles and single shapes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from emostudio.gui.charts.marks import paint_mark, paint_swatch, series_colour, series_ink
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme

KEY_GLYPH, KEY_GAP = 26.0, 14.0
_HALO = 4.0


def line_height(style: str = "caption") -> float:
    """Return the height of a line of text with a little air."""
    return float(metrics(style).height()) + 4


def paint_title(painter: QPainter, rect: QRectF, title: str) -> float:
    """Paint a panel's title at the top of `rect`; returns the height used."""
    if not title:
        return 0.0
    height = line_height("small_bold")
    paint_text(painter, QRectF(rect.left(), rect.top(), rect.width(), height), title,
               "small_bold", "text")  # fmt: skip
    return height


def paint_whisker(painter: QPainter, slot: int, start: QPointF, end: QPointF) -> None:
    """Paint an interval as a line without caps."""
    painter.setPen(QPen(series_colour(slot), 1.5))
    painter.drawLine(start, end)


def key_width(name: str) -> float:
    """Return the pixels that an entry of a key takes, the gap behind it included."""
    return KEY_GLYPH + float(metrics("caption").horizontalAdvance(name)) + KEY_GAP


def key_rows(entries: list[tuple[str, int]], width: float) -> list[list[tuple[str, int]]]:
    """Return the entries of a key in rows that fit `width` pixels."""
    rows: list[list[tuple[str, int]]] = []
    used = width + 1
    for name, slot in entries:
        wide = key_width(name)
        if used + wide > width:
            rows.append([])
            used = 0.0
        rows[-1].append((name, slot))
        used += wide
    return rows


def paint_key(
    painter: QPainter, rect: QRectF, entries: list[tuple[str, int]], *, has_lines: bool
) -> float:
    """Paint which mark is whose at the top of `rect`; returns the height used."""
    height = line_height()
    for number, row in enumerate(key_rows(entries, rect.width())):
        x, y = rect.left(), rect.top() + number * height
        for name, slot in row:
            glyph = QRectF(x, y, KEY_GLYPH - 6, height)
            if has_lines:
                paint_swatch(painter, slot, glyph)
            else:
                paint_mark(painter, slot, glyph.center(), 8)
            width = metrics("caption").horizontalAdvance(name)
            paint_text(painter, QRectF(x + KEY_GLYPH, y, width + 2, height), name,
                       "caption", "text2")  # fmt: skip
            x += KEY_GLYPH + width + KEY_GAP
    return height * len(key_rows(entries, rect.width()))


def paint_name(painter: QPainter, at: QPointF, name: str, slot: int, room: float) -> None:
    """Write a series' name in its ink to the right of a point, elided to `room` pixels.

    It has a halo of the card's colour, so that lines behind it do not cross its letters.
    """
    font, measure = theme().font("caption_bold"), metrics("caption_bold")
    text = measure.elidedText(name, Qt.TextElideMode.ElideRight, max(room, 8.0))
    base = QPointF(at.x(), at.y() + (measure.ascent() - measure.descent()) / 2)
    letters = QPainterPath()
    letters.addText(base, font, text)
    halo = QPen(theme().colour("card"), _HALO)
    halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(letters, halo)
    painter.setFont(font)
    painter.setPen(series_ink(slot))
    painter.drawText(base, text)
