"""One variant's view of the live frame: picture with boxes, probabilities, speed, agreement."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emostudio.gui.charts.marks import paint_swatch, series_colour
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CARD, TILE
from emostudio.gui.widgets.live_judgement import Judgement, Picture, TileFigures
from emostudio.gui.widgets.tile_paint import paint_chip, paint_text, text_width, tile_font
from emostudio.gui.widgets.tile_panel import (
    PanelContent,
    paint_panel_below,
    paint_panel_beside,
    share_words,
)

TileState = Literal["waiting", "running", "stale", "stopped"]

WIDE_FROM = 700
"""Above this width the tile is read from across a room: everything is 1.5 times as large."""

UNSURE_BELOW = 0.4
"""Largest probability below which the tile says "unsure" instead of naming an emotion."""

_DARK = "dark"
_PANEL_BESIDE = 136
_PANEL_BELOW = 132
"""Least height of the panel under the picture, in tiles so tall that it would float in black."""
_MOST_BELOW = 300
_LARGE_BELOW = 220
_LARGE = 1.5


class LiveTile(QWidget):
    """Painted in one go; dark in both themes."""

    def __init__(self, name: str, slot: int) -> None:
        super().__init__()
        self.name = name
        self.slot = slot
        self._engine = ""
        self._figures = TileFigures()
        self._judgement = Judgement()
        self._picture: Picture | None = None
        self._state: TileState = "waiting"
        self._message = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(300, 190)
        self._tell()

    def sizeHint(self) -> QSize:
        """Ask for the size the design shows at 1280 pixels."""
        return QSize(414, 259)

    def state(self) -> TileState:
        """Return what the tile shows."""
        return self._state

    def words(self) -> str:
        """Return everything the tile says, as screen readers hear it."""
        return self.accessibleDescription()

    def set_engine(self, engine: str) -> None:
        """Show which engine runs the variant."""
        self._engine = engine
        self._tell()

    def show_frame(self, picture: Picture, judgement: Judgement) -> None:
        """Show a new frame and what the variant says about it."""
        self._picture, self._judgement = picture, judgement
        self._state, self._message = "running", ""
        self._tell()

    def show_figures(self, figures: TileFigures) -> None:
        """Show new numbers."""
        self._figures = figures
        self._tell()

    def set_state(self, state: TileState, message: str = "") -> None:
        """Say why the picture does not move."""
        self._state, self._message = state, message
        self._tell()

    def _tell(self) -> None:
        self.setAccessibleName(f"{self.name} {self._engine}".strip())
        parts = [self._message or self._found()]
        if self._judgement.differs and self._state == "running":
            parts.append(self.tr("Differs from teacher"))
        if self._figures.fps is not None:
            parts.append(f"{self._figures.fps:.0f} FPS")
        parts += [f"{name} {value}" for name, value in self._lines()]
        self.setAccessibleDescription(", ".join(part for part in parts if part))
        self.update()

    def _found(self) -> str:
        if self._state != "running":
            return ""
        if not self._judgement.faces:
            return self.tr("No face")
        return ", ".join(self._verdict(index) for index in range(len(self._judgement.faces)))

    def _verdict(self, index: int) -> str:
        if index >= len(self._judgement.probabilities):
            return ""
        ranked = self._judgement.probabilities[index]
        if not ranked:
            return ""
        best = max(ranked, key=lambda emotion: ranked[emotion])
        word = best.capitalize() if ranked[best] >= UNSURE_BELOW else self.tr("Unsure")
        return f"{word} {share_words(ranked[best])}"

    def _lines(self) -> list[tuple[str, str]]:
        figures = self._figures
        agrees = "–" if figures.agreement is None else f"{100 * figures.agreement:.1f} %"
        if figures.is_reference:
            agrees = self.tr("reference")
        lines = [
            ("p50", "–" if figures.p50_ms is None else f"{figures.p50_ms:.1f} ms"),
            ("p95", "–" if figures.p95_ms is None else f"{figures.p95_ms:.1f} ms"),
            (self.tr("Agrees"), agrees),
        ]
        if figures.accuracy is not None:
            lines.append((self.tr("Right"), f"{100 * figures.accuracy:.1f} %"))
        return lines

    def paintEvent(self, _event: object) -> None:
        """Paint the whole tile."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), RADIUS_CARD, RADIUS_CARD)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), QColor(TILE.background))
        zoom = _LARGE if self.width() > WIDE_FROM else 1.0
        head = round(34 * zoom)
        self._paint_head(painter, QRectF(0, 0, self.width(), head), zoom)
        view, panel, is_below = self._parts(head, zoom)
        self._paint_view(painter, view, zoom)
        if is_below and panel.height() >= _LARGE_BELOW:
            zoom = _LARGE
        box = QRectF(panel).adjusted(12 * zoom, 6, -12 * zoom, -4)
        content = PanelContent(self.slot, self._shares(), tuple(self._lines()))
        (paint_panel_below if is_below else paint_panel_beside)(painter, box, content, zoom)
        painter.end()

    def _parts(self, head: int, zoom: float) -> tuple[QRect, QRect, bool]:
        below = round(self.width() * 0.75)
        left = self.height() - head - below
        if left >= _PANEL_BELOW * zoom:
            high = min(left, round(_MOST_BELOW * zoom))
            view = QRect(0, head, self.width(), self.height() - head - high)
            return view, QRect(0, view.bottom() + 1, self.width(), high), True
        side = round(min(_PANEL_BESIDE * zoom, self.width() * 0.4))
        view = QRect(0, head, self.width() - side, self.height() - head)
        return view, QRect(view.right() + 1, head, side, view.height()), False

    def _shares(self) -> dict[str, float]:
        main = self._judgement.main_face
        if main is None or main >= len(self._judgement.probabilities):
            return {}
        return self._judgement.probabilities[main]

    def _paint_head(self, painter: QPainter, box: QRectF, zoom: float) -> None:
        swatch = QRectF(10, box.top(), 26 * zoom, box.height())
        paint_swatch(painter, self.slot, swatch, theme_name=_DARK)
        fps = "–" if self._figures.fps is None else f"{self._figures.fps:.0f}"
        unit_width = text_width("caption", zoom, "FPS")
        value_width = text_width("section", zoom, fps)
        right = box.right() - 12
        paint_text(painter, QRectF(right - unit_width, 1, unit_width + 2, box.height()), "FPS",
              tile_font("caption", zoom), TILE.text2)  # fmt: skip
        value = QRectF(right - unit_width - 6 - value_width, 0, value_width + 2, box.height())
        paint_text(painter, value, fps, tile_font("section", zoom), TILE.text)
        left = swatch.right() + 8
        room = value.left() - left - 10
        name_width = min(text_width("body_bold", zoom, self.name) + 2, room)
        name = QRectF(left, 0, name_width, box.height())
        paint_text(painter, name, self.name, tile_font("body_bold", zoom), TILE.text)
        engine = QRectF(name.right() + 8, 0.5, room - name_width - 8, box.height())
        if engine.width() > 24:
            paint_text(painter, engine, self._engine, tile_font("caption", zoom), TILE.text2)

    def _paint_view(self, painter: QPainter, view: QRect, zoom: float) -> None:
        painter.save()
        painter.setClipRect(view)
        if self._picture is not None:
            place = _fit(self._picture.image.size(), view)
            ratio = self.devicePixelRatioF()
            size = QSize(round(place.width() * ratio), round(place.height() * ratio))
            painter.drawImage(place, self._picture.at(size))
            if self._state == "running":
                self._paint_faces(painter, place, QRectF(view), zoom)
            else:
                painter.fillRect(view, QColor(13, 15, 18, 128))
        self._paint_chip(painter, QRectF(view), zoom)
        painter.restore()

    def _paint_faces(self, painter: QPainter, place: QRect, view: QRectF, zoom: float) -> None:
        assert self._picture is not None  # noqa: S101 - the caller has looked
        scale = place.width() / self._picture.image.width()
        colour = series_colour(self.slot, _DARK)
        for index, (x, y, width, height) in enumerate(self._judgement.faces):
            box = QRectF(
                place.x() + x * scale, place.y() + y * scale, width * scale, height * scale
            )
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(0, 0, 0, 120), 4 * zoom))
            painter.drawRoundedRect(box, 5, 5)
            painter.setPen(QPen(colour, 2 * zoom))
            painter.drawRoundedRect(box, 5, 5)
            words = self._verdict(index)
            if words:
                self._paint_label(painter, box, view, words, zoom)

    def _paint_label(
        self, painter: QPainter, box: QRectF, view: QRectF, words: str, zoom: float
    ) -> None:
        width = text_width("small_bold", zoom, words) + 12
        height = 20 * zoom
        left = min(max(box.left(), view.left()), view.right() - width)
        top = box.top() - height - 3 if box.top() - height - 3 > view.top() else box.bottom() + 3
        top = min(top, view.bottom() - height)
        chip = QRectF(left, top, width, height)
        paint_chip(painter, chip, QColor(13, 15, 18, 225))
        paint_text(painter, chip, words, tile_font("small_bold", zoom), TILE.text, centred=True)

    def _paint_chip(self, painter: QPainter, view: QRectF, zoom: float) -> None:
        if self._state == "running" and self._judgement.differs:
            words = self.tr("Differs from teacher")
            width = text_width("small_bold", zoom, words) + 34 * zoom
            chip = QRectF(view.right() - width - 8, view.bottom() - 28 * zoom, width, 20 * zoom)
            paint_chip(painter, chip, QColor(TILE.warning))
            icon = theme().pixmap(
                "warning", TILE.on_warning, round(14 * zoom), self.devicePixelRatioF()
            )
            painter.drawPixmap(QPointF(chip.left() + 7, chip.top() + 3 * zoom), icon)
            text = chip.adjusted(24 * zoom, 0, 0, 0)
            paint_text(painter, text, words, tile_font("small_bold", zoom), TILE.on_warning)
            return
        words = self._message
        if self._state == "running" and not self._judgement.faces:
            words = self.tr("No face")
        if not words:
            return
        width = min(text_width("small_medium", zoom, words) + 20, view.width() - 8)
        chip = QRectF(
            view.center().x() - width / 2, view.center().y() - 12 * zoom, width, 24 * zoom
        )
        paint_chip(painter, chip, QColor(13, 15, 18, 215))
        paint_text(painter, chip.adjusted(6, 0, -6, 0), words, tile_font("small_medium", zoom),
              TILE.text, centred=True)  # fmt: skip


def _fit(image: QSize, view: QRect) -> QRect:
    # A little is cut away rather than shown with bars; a lot is never cut.
    wide, high = view.width() / image.width(), view.height() / image.height()
    cover, inside = max(wide, high), min(wide, high)
    scale = cover if cover / inside < 1.2 else inside
    size = QSize(round(image.width() * scale), round(image.height() * scale))
    place = QRect(0, 0, size.width(), size.height())
    place.moveCenter(view.center())
    return place
