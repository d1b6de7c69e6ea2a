"""Text and chips on the dark live tiles."""

from __future__ import annotations

import functools

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath

from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE


def tile_font(style: str, zoom: float) -> QFont:
    """Return a type style enlarged for wide tiles."""
    return _font(style, zoom, theme().scale)


@functools.lru_cache(maxsize=128)
def _font(style: str, zoom: float, scale: float) -> QFont:
    # Four tiles of thirty texts at thirty frames a second: building fonts would cost the most.
    del scale
    font = theme().font(style)
    font.setPixelSize(round(font.pixelSize() * zoom))
    return font


def text_width(style: str, zoom: float, text: str) -> float:
    """Return how wide a text is."""
    return QFontMetricsF(tile_font(style, zoom)).horizontalAdvance(text)


def paint_chip(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """Paint the rounded ground of a label."""
    path = QPainterPath()
    path.addRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
    painter.fillPath(path, colour)


def paint_text(
    painter: QPainter,
    box: QRectF,
    text: str,
    font: QFont,
    colour: str,
    *,
    right: bool = False,
    centred: bool = False,
) -> None:
    """Paint one line of text, elided where it does not fit."""
    align = Qt.AlignmentFlag.AlignLeft
    if right:
        align = Qt.AlignmentFlag.AlignRight
    elif centred:
        align = Qt.AlignmentFlag.AlignHCenter
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width() + 1)
    painter.drawText(box, align | Qt.AlignmentFlag.AlignVCenter, shown)
