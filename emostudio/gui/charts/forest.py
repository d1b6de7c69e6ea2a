"""Ratios with their intervals on one logarithmic scale: right of 1 is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from emostudio.gui.charts.canvas import Chart, metrics, paint_bottom_axis, paint_text
from emostudio.gui.charts.ticks import format_tick, log_ticks
from emostudio.gui.theme import theme

ROW_HEIGHT = 40.0
_AXIS = 26.0


@dataclass(frozen=True)
class ForestRow:
    """One ratio; `tone` is the colour token of its verdict (ok, info, warn, bad, text3)."""

    name: str
    value: float
    low: float
    high: float
    tone: str = "text3"


class Forest(Chart):
    """Dot, interval and numbers per row; the row's name stands at the left."""

    def __init__(self, parent: QWidget | None = None, *, name_width: int = 160) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("Ratios with 95 % intervals"))
        self._name_width = name_width
        self._rows: tuple[ForestRow, ...] = ()

    def show_rows(self, rows: Sequence[ForestRow]) -> None:
        """Draw these rows, in order."""
        self._rows = tuple(row for row in rows if min(row.low, row.value) > 0)
        self.setMinimumHeight(round(28 * len(self._rows) + _AXIS))
        self.describe(
            ", ".join(f"{r.name} {r.value:.2f}× ({r.low:.2f}–{r.high:.2f})" for r in self._rows)
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
        scale = max(area.width() - numbers, 30) / (high - low)

        def x_of(value: float) -> float:
            return area.left() + (math.log(value) - low) * scale

        ticks = log_ticks(math.exp(low), math.exp(high), 6)
        for tick in ticks:
            painter.setPen(QPen(theme().colour("line"), 1))
            painter.drawLine(QPointF(x_of(tick), 0), QPointF(x_of(tick), area.bottom()))
        painter.setPen(QPen(theme().colour("text"), 1))
        painter.drawLine(QPointF(x_of(1.0), 0), QPointF(x_of(1.0), area.bottom()))
        labels = [(x_of(tick), f"{format_tick(tick)}×") for tick in ticks]
        paint_bottom_axis(painter, area, labels)
        step = area.height() / len(self._rows)
        for index, row in enumerate(self._rows):
            ends = (x_of(row.low), x_of(row.value), x_of(row.high))
            self._paint_row(painter, row, ends, step * (index + 0.5))
        painter.end()

    def _paint_row(
        self, painter: QPainter, row: ForestRow, ends: tuple[float, float, float], y: float
    ) -> None:
        left, centre, right = ends
        name = QRectF(0, y - 10, self._name_width - 12, 20)
        paint_text(painter, name, row.name, "small_medium", "text")
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
