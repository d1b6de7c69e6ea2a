"""Four faces as the live page shows them: drawn by the studio's own renderer, boxed per variant."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emostudio.core.answers import Thumbnail
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE, RADIUS_CONTROL, SERIES, TILE

_GAP = 4


def thumbnail_image(thumbnail: Thumbnail) -> QImage:
    """Decode a small picture; a damaged one is empty."""
    return QImage.fromData(base64.b64decode(thumbnail.png_base64))


class LivePreview(QWidget):
    """Two faces in each of four tiles; a chip says the measured p50 where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._faces: list[QImage] = []
        self._chips: tuple[str, ...] = ()
        self._slots: tuple[int, ...] = ()
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

    def show_times(self, milliseconds: Sequence[float], slots: Sequence[int] = ()) -> None:
        """Show measured medians, one per tile, in the colours of the variants' slots."""
        self._slots = tuple(slot if slot < len(SERIES) else 0 for slot in slots)
        self._chips = tuple(f"{time:.{2 if time < 1 else 1}f} ms" for time in milliseconds)
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
        size = min(tile.height() - 12, tile.width() / 2 - 10)
        slot = self._slots[number] if number < len(self._slots) else number
        for place, face in enumerate(self._faces[:2]):
            middle = tile.left() + tile.width() * (0.3 + 0.42 * place)
            box = QRectF(0, 0, size, size)
            box.moveCenter(QPointF(middle, tile.center().y()))
            painter.drawImage(box, face)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(0, 0, 0, 120), 4))
            painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
            painter.setPen(QPen(QColor(SERIES[slot].dark), 2))
            painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
        if number < len(self._chips):
            self._paint_chip(painter, tile, self._chips[number])

    def _paint_chip(self, painter: QPainter, tile: QRectF, text: str) -> None:
        font = theme().font("small_bold")
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        chip = QRectF(tile.left() + 6, tile.top() + 6, width, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(TILE.background))
        painter.drawRoundedRect(chip, RADIUS_BADGE, RADIUS_BADGE)
        painter.setFont(font)
        painter.setPen(QColor(TILE.text))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)
