"""Ratios with their intervals on one logarithmic scale: right of 1 is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip

from emostudio.gui.charts.canvas import Chart, paint_bottom_axis
from emostudio.gui.charts.ticks import format_tick, log_ticks
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.gui.verdict_badge import badge_width, paint_badge, verdict_look

_AXIS = 26.0
_GAP = 12
_TICK = 36.0
"""Room for the label of one tick."""


@dataclass(frozen=True)
class ForestRow:
    """One ratio; `tone` is the colour token of its verdict (ok, info, warn, bad, text3).

    `detail` stands behind the name, `badge` is a verdict at its right, `tip` is told on hovering.
    """

    name: str
    value: float
    low: float
    high: float
    tone: str = "text3"
    detail: str = ""
    badge: str = ""
    tip: str = ""


class Forest(Chart):
    """Dot, interval and numbers per row; the row's name stands at the left."""

    def __init__(self, *, name_width: int = 160) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Ratios with 95 % intervals"))
        self._name_width = name_width
        self._rows: tuple[ForestRow, ...] = ()

    def show_rows(self, rows: Sequence[ForestRow]) -> None:
        """Draw these rows, in order."""
        self._rows = tuple(row for row in rows if min(row.low, row.value) > 0)
        self.setMinimumHeight(round(28 * len(self._rows) + _AXIS))
        self.describe(
            ", ".join(
                f"{r.name} {r.value:.2f}× ({r.low:.2f}–{r.high:.2f})"
                + (f" {verdict_look(r.badge)[0]}" if r.badge else "")
                for r in self._rows
            )
        )

    def paintEvent(self, _event: object) -> None:
        """Paint grid, the line at 1×, dots, intervals and numbers."""
        if not self._rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        numbers = metrics("caption").horizontalAdvance("00.00–00.00 ") + 70
        area = QRectF(
            self._name_width,
            0,
            max(self.width() - self._name_width - 12, 40),
            self.height() - _AXIS,
        )
        low = math.log(min(1.0, *(row.low for row in self._rows))) - 0.15
        high = math.log(max(1.2, *(row.high for row in self._rows)))
        plot = max(area.width() - numbers, 30)
        scale = plot / (high - low)

        def x_of(value: float) -> float:
            return area.left() + (math.log(value) - low) * scale

        ticks = log_ticks(math.exp(low), math.exp(high), int(min(6, max(2, plot / _TICK))))
        for tick in ticks:
            painter.setPen(QPen(theme().colour("line"), 1))
            painter.drawLine(QPointF(x_of(tick), 0), QPointF(x_of(tick), area.bottom()))
        painter.setPen(QPen(theme().colour("text"), 1))
        painter.drawLine(QPointF(x_of(1.0), 0), QPointF(x_of(1.0), area.bottom()))
        labels = [(x_of(tick), f"{format_tick(tick)}×") for tick in ticks]
        paint_bottom_axis(painter, area, labels)
        step = area.height() / len(self._rows)
        for index, row in enumerate(self._rows):
            self._paint_name(painter, row, step * index, step)
            ends = (x_of(row.low), x_of(row.value), x_of(row.high))
            self._paint_row(painter, row, ends, step * (index + 0.5))
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Tell a row's own words when it is hovered."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            tip = self._tip_at(event.pos().y())
            if tip:
                QToolTip.showText(event.globalPos(), tip, self)
                return True
        return super().event(event)

    def _tip_at(self, y: float) -> str:
        place = int(y / (self.height() - _AXIS) * len(self._rows)) if self._rows else 0
        return self._rows[place].tip if 0 <= place < len(self._rows) else ""

    def _paint_name(self, painter: QPainter, row: ForestRow, top: float, height: float) -> None:
        """Paint name, detail and badge at the left, and a rule to the next row."""
        middle, right = top + height / 2, float(self._name_width - _GAP)
        if row.badge:
            right -= badge_width(row.badge)
            paint_badge(painter, right, middle, row.badge, self.devicePixelRatioF())
            right -= _GAP
            if top > 0:
                painter.setPen(QPen(theme().colour("line"), 1))
                painter.drawLine(QPointF(0, top), QPointF(self._name_width - _GAP, top))
        needed = metrics("caption").horizontalAdvance(row.detail) + _GAP if row.detail else 0
        room = right - needed
        paint_text(painter, QRectF(0, middle - 10, room, 20), row.name, "small_medium", "text")
        start = min(room, metrics("small_medium").horizontalAdvance(row.name)) + _GAP / 2
        detail = QRectF(start, middle - 10, right - start, 20)
        paint_text(painter, detail, row.detail, "caption", "text3")

    def _paint_row(
        self, painter: QPainter, row: ForestRow, ends: tuple[float, float, float], y: float
    ) -> None:
        left, centre, right = ends
        painter.setPen(QPen(theme().colour(row.tone), 2))
        painter.drawLine(QPointF(left, y), QPointF(right, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().colour(row.tone))
        painter.drawEllipse(QPointF(centre, y), 4, 4)
        value = f"{row.value:.2f}×"
        width = metrics("small_medium").horizontalAdvance(value)
        start = right + 10
        paint_text(painter, QRectF(start, y - 10, width + 4, 20), value, "small_medium", "text")
        paint_text(
            painter,
            QRectF(start + width + 6, y - 10, 110, 20),
            f"{row.low:.2f}–{row.high:.2f}",
            "caption",
            "text3",
        )
