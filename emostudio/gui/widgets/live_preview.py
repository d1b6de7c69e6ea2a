"""Four faces as the live page shows them: drawn by the studio's own renderer, boxed per variant."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emostudio.core.answers import Thumbnail
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE, RADIUS_CONTROL, SERIES, TILE

_GAP = 4
_STRIP = 18
"""Height of the line below the faces of a tile, so that the time covers none of them."""


def thumbnail_image(thumbnail: Thumbnail) -> QImage:
    """Decode a small picture; a damaged one is empty."""
    return QImage.fromData(base64.b64decode(thumbnail.png_base64))


@dataclass(frozen=True)
class PreviewTime:
    """A median measured here at batch 1: of which variant, on which engine.

    On a tile the colour of the boxes stands for the variant; the tip has its name.
    """

    model: str
    engine: str
    p50_ms: float
    slot: int = 0

    @property
    def words(self) -> str:
        """Return time and engine, as on a tile."""
        decimals = 2 if self.p50_ms < 1 else 1
        return f"{self.p50_ms:.{decimals}f} ms, {self.engine}"


class LivePreview(QWidget):
    """Two faces in each of four tiles; below them the measured p50 where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._faces: list[QImage] = []
        self._times: tuple[PreviewTime, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Synthetic faces as the live page shows them"))
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Ask for the room of four tiles."""
        return QSize(330, 170)

    def show_faces(self, faces: Sequence[Thumbnail]) -> None:
        """Show faces the engine drew."""
        images = [thumbnail_image(face) for face in faces]
        self._faces = [image for image in images if not image.isNull()]
        self.update()

    def show_times(self, times: Sequence[PreviewTime]) -> None:
        """Show measured medians, one per tile, in the colours of the variants' slots."""
        self._times = tuple(times)
        told = [f"{time.model}: {time.words}" for time in self._times]
        self.setAccessibleDescription("; ".join(told))
        self.setToolTip("\n".join([self.tr("Median of one picture, p50"), *told]) if told else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the tiles."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(TILE.background))
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS_CONTROL, RADIUS_CONTROL)
        width, height = (self.width() - 3 * _GAP) / 2, (self.height() - 3 * _GAP) / 2
        for number in range(4):
            x = _GAP + (number % 2) * (width + _GAP)
            y = _GAP + (number // 2) * (height + _GAP)
            self._paint_tile(painter, QRectF(x, y, width, height), number)

    def _paint_tile(self, painter: QPainter, tile: QRectF, number: int) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#2A2E35"))
        painter.drawRect(tile)
        time = self._times[number] if number < len(self._times) else None
        slot = number if time is None else time.slot if time.slot < len(SERIES) else 0
        area = tile if time is None else tile.adjusted(0, 0, 0, -_STRIP)
        size = min(area.height() - 12, area.width() / 2 - 10)
        for place, face in enumerate(self._faces[:2]):
            middle = area.left() + area.width() * (0.3 + 0.42 * place)
            box = QRectF(0, 0, size, size)
            box.moveCenter(QPointF(middle, area.center().y()))
            painter.drawImage(box, face)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(0, 0, 0, 120), 4))
            painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
            painter.setPen(QPen(QColor(SERIES[slot].dark), 2))
            painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
        if time is not None:
            self._paint_time(
                painter, QRectF(tile.left(), area.bottom(), tile.width(), _STRIP), time
            )

    def _paint_time(self, painter: QPainter, strip: QRectF, time: PreviewTime) -> None:
        font = theme().font("caption_medium")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(TILE.background))
        painter.drawRect(strip)
        painter.setFont(font)
        painter.setPen(QColor(TILE.text))
        room = round(strip.width()) - 12
        words = QFontMetrics(font).elidedText(time.words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(strip, Qt.AlignmentFlag.AlignCenter, words)
