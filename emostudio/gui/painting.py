"""How a line of text is painted: in a type style, in a colour of the theme, elided to its room."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from emostudio.gui.theme import theme


def metrics(style: str) -> QFontMetricsF:
    """Return the measures of a type style."""
    return QFontMetricsF(theme().font(style))


def paint_text(
    painter: QPainter,
    rect: QRectF,
    text: str,
    style: str,
    token: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> str:
    """Paint one line of text, vertically centred in `rect`, elided where it does not fit.

    Returns
    -------
    str
        What of it fits.
    """
    painter.setFont(theme().font(style))
    painter.setPen(theme().colour(token))
    shown = metrics(style).elidedText(text, Qt.TextElideMode.ElideRight, rect.width() + 1)
    painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter, shown)
    return shown
