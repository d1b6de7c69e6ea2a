"""The numbers of a live tile: eight probability bars, and speed and agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from emostudio.core.emotions import EMOTIONS
from emostudio.gui.charts.marks import series_colour
from emostudio.gui.tokens import TILE
from emostudio.gui.widgets.tile_paint import paint_text, tile_font

_LINE = 16


@dataclass(frozen=True)
class PanelContent:
    """Series slot, probability by emotion, and (name, value) lines."""

    slot: int
    shares: Mapping[str, float]
    lines: tuple[tuple[str, str], ...]

    @property
    def best(self) -> str:
        """Emotion with the largest probability, empty without a face."""
        return max(self.shares, key=self.shares.__getitem__, default="")


def share_words(value: float) -> str:
    """Return a probability as .93, without the zero that would take room."""
    return "1.00" if value >= 0.995 else f"{value:.2f}"[1:]


def paint_panel_beside(painter: QPainter, box: QRectF, content: PanelContent, zoom: float) -> None:
    """Paint bars over lines, in a column right of the picture."""
    foot = box.bottom() - _LINE * zoom * len(content.lines)
    painter.setPen(QPen(QColor(255, 255, 255, 36), 1))
    painter.drawLine(QPointF(box.left(), foot - 4), QPointF(box.right(), foot - 4))
    _paint_lines(painter, QRectF(box.left(), foot, box.width(), 0), content, zoom)
    room = foot - 8 - box.top()
    row = min(room / len(EMOTIONS), 46 * zoom)
    for index, emotion in enumerate(EMOTIONS):
        place = QRectF(box.left(), box.top() + index * row, box.width(), row)
        _paint_bar(painter, place, emotion, content, zoom)


def paint_panel_below(painter: QPainter, box: QRectF, content: PanelContent, zoom: float) -> None:
    """Paint bars in two columns and the lines in a third, under the picture."""
    gap = 18 * zoom
    width = (box.width() - 2 * gap) / 3
    half = len(EMOTIONS) // 2
    row = (box.height() - 4) / half
    for index, emotion in enumerate(EMOTIONS):
        left = box.left() + (index // half) * (width + gap)
        place = QRectF(left, box.top() + (index % half) * row, width, row)
        _paint_bar(painter, place, emotion, content, zoom)
    left = box.left() + 2 * (width + gap)
    top = box.top() + (box.height() - 4 - _LINE * zoom * len(content.lines)) / 2
    _paint_lines(painter, QRectF(left, top, width, 0), content, zoom)


def _paint_lines(painter: QPainter, box: QRectF, content: PanelContent, zoom: float) -> None:
    for index, (name, value) in enumerate(content.lines):
        row = QRectF(box.left(), box.top() + index * _LINE * zoom, box.width(), _LINE * zoom)
        paint_text(painter, row, name, tile_font("caption", zoom), TILE.text3)
        paint_text(painter, row, value, tile_font("caption_bold", zoom), TILE.text, right=True)


def _paint_bar(
    painter: QPainter, place: QRectF, emotion: str, content: PanelContent, zoom: float
) -> None:
    is_best = emotion == content.best
    tone = TILE.text if is_best else TILE.text2
    font = tile_font("caption_bold" if is_best else "caption", zoom)
    value = content.shares.get(emotion)
    high = min(place.height() - 3, 18 * zoom)
    top = place.top() - 1 + (place.height() - 3 - high) / 2
    words = QRectF(place.left(), top, place.width(), high)
    paint_text(painter, words, emotion.capitalize(), font, tone)
    share = "–" if value is None else share_words(value)
    paint_text(painter, words, share, font, tone, right=True)
    groove = QRectF(place.left(), words.bottom() + 0.5, place.width(), 2 * zoom)
    painter.fillRect(groove, QColor(255, 255, 255, 40))
    if value:
        groove.setWidth(max(groove.width() * min(value, 1.0), 1.5))
        colour = series_colour(content.slot, "dark") if is_best else QColor(TILE.text3)
        painter.fillRect(groove, colour)
