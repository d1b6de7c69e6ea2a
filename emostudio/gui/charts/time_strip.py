"""Where the time of one live frame goes: one strip, stages in greys, variants in their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath, QResizeEvent

from emostudio.gui.charts.canvas import Chart
from emostudio.gui.charts.marks import series_colour
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import mix

_STRIP_HEIGHT = 18.0
_KEY_HEIGHT = 22.0
_SWATCH = 8.0
_GREYS = ("line2", "ctl", "text3")


@dataclass(frozen=True)
class Share:
    """Part of a frame's time; a stage has no slot."""

    name: str
    milliseconds: float
    slot: int | None = None


class TimeStrip(Chart):
    """The strip with its key below, which names every part, even those too thin to see."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Time per frame"))
        self._shares: tuple[Share, ...] = ()
        self._fit_height()

    def show_shares(self, shares: Sequence[Share]) -> None:
        """Draw these parts, in order."""
        self._shares = tuple(shares)
        self._fit_height()
        self.describe(", ".join(f"{s.name} {s.milliseconds:.1f} ms" for s in self._shares))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the key as many lines as it needs."""
        super().resizeEvent(event)
        self._fit_height()

    def paintEvent(self, _event: object) -> None:
        """Paint strip and key."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strip = QRectF(0, 2, self.width(), _STRIP_HEIGHT)
        clip = QPainterPath()
        clip.addRoundedRect(strip, 4, 4)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(strip, theme().colour("sunken"))
        total = sum(share.milliseconds for share in self._shares)
        left = 0.0
        for share, colour in zip(self._shares, self._colours(), strict=True):
            if total <= 0:
                break
            width = share.milliseconds / total * strip.width()
            painter.fillRect(QRectF(left, strip.top(), width, strip.height()), colour)
            left += width
            painter.fillRect(QRectF(left - 0.75, strip.top(), 1.5, 18), theme().colour("card"))
        painter.restore()
        for share, colour, place in zip(
            self._shares, self._colours(), self._key_places(), strict=True
        ):
            self._paint_key(painter, share, colour, place)
        painter.end()

    def _paint_key(self, painter: QPainter, share: Share, colour: QColor, at: QPointF) -> None:
        path = QPainterPath()
        path.addRoundedRect(QRectF(at.x(), at.y() + 7, _SWATCH, _SWATCH), 2, 2)
        painter.fillPath(path, colour)
        name_width = metrics("caption").horizontalAdvance(share.name)
        rect = QRectF(at.x() + 13, at.y(), name_width + 2, _KEY_HEIGHT)
        paint_text(painter, rect, share.name, "caption", "text2")
        value = QRectF(rect.right() + 3, at.y(), 80, _KEY_HEIGHT)
        paint_text(painter, value, f"{share.milliseconds:.1f}", "caption_bold", "text")

    def _colours(self) -> list[QColor]:
        colours, grey = [], 0
        for share in self._shares:
            if share.slot is not None:
                colours.append(series_colour(share.slot))
                continue
            token = _GREYS[grey % len(_GREYS)]
            colours.append(QColor(mix(getattr(theme().colours, token), theme().colours.card, 0.1)))
            grey += 1
        return colours

    def _key_places(self) -> list[QPointF]:
        places, x, y = [], 0.0, _STRIP_HEIGHT + 6
        for share in self._shares:
            width = 13 + metrics("caption").horizontalAdvance(share.name) + 5
            width += metrics("caption_bold").horizontalAdvance(f"{share.milliseconds:.1f}")
            if x > 0 and x + width > self.width():
                x, y = 0.0, y + _KEY_HEIGHT - 2
            places.append(QPointF(x, y))
            x += width + 16
        return places

    def _fit_height(self) -> None:
        places = self._key_places()
        bottom = places[-1].y() if places else _STRIP_HEIGHT + 6
        self.setFixedHeight(round(bottom + _KEY_HEIGHT))
