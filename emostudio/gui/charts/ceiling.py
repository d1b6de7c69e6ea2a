"""The most that fewer multiply-adds can give in speed, step by step: a ceiling, no promise."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from emostudio.gui.charts.canvas import Chart, paint_bottom_axis, paint_grid_rows
from emostudio.gui.charts.ticks import format_tick, linear_ticks
from emostudio.gui.painting import metrics
from emostudio.gui.theme import theme


class SpeedCeiling(Chart):
    """A dashed line of teacher MACs over predicted MACs after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Ceiling of the speed-up"))
        self.setMinimumHeight(96)
        self._steps: tuple[tuple[str, float], ...] = ()

    def show_steps(self, steps: Sequence[tuple[str, float]]) -> None:
        """Draw (name, ceiling) pairs, the teacher with 1 first."""
        self._steps = tuple(steps)
        self.describe(", ".join(f"{name} {ceiling:.2f}×" for name, ceiling in self._steps))

    def paintEvent(self, _event: object) -> None:
        """Paint grid, dashed ceiling and its label."""
        if not self._steps:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = [value for _, value in self._steps]
        top = max(*values, 1.6) * 1.18
        low = min(*values, 1.0) * 0.9
        area = QRectF(32, 6, self.width() - 46, self.height() - 30)

        def y_of(value: float) -> float:
            return area.bottom() - (value - low) / (top - low) * area.height()

        ticks = [(y_of(tick), f"{format_tick(tick)}×") for tick in linear_ticks(low, top, 4)]
        paint_grid_rows(painter, area, ticks, 26)
        count = len(self._steps)
        margin = min(36.0, area.width() / (2 * count))
        span = area.width() - 2 * margin
        xs = [area.left() + margin + span * index / max(count - 1, 1) for index in range(count)]
        widest = span / max(count - 1, 1) - 6 if count > 1 else area.width()
        names = [
            metrics("caption").elidedText(name, Qt.TextElideMode.ElideRight, widest)
            for name, _ in self._steps
        ]
        paint_bottom_axis(painter, area, list(zip(xs, names, strict=True)))
        points = [QPointF(x, y_of(value)) for x, value in zip(xs, values, strict=True)]
        pen = QPen(theme().colour("text2"), 1.5)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawPolyline(points)
        self._paint_label(painter, area, points[-1], values[-1])
        painter.end()

    def _paint_label(self, painter: QPainter, area: QRectF, end: QPointF, ceiling: float) -> None:
        text = self.tr("Ceiling {0}× (MACs)").format(f"{ceiling:.1f}")
        width = metrics("small_medium").horizontalAdvance(text)
        left = min(max(end.x() - width / 2, area.left()), area.right() - width)
        top = end.y() - 22 if end.y() - 22 > area.top() else end.y() + 4
        painter.setFont(theme().font("small_medium"))
        painter.setPen(theme().colour("text2"))
        painter.drawText(QRectF(left, top, width + 2, 18), Qt.AlignmentFlag.AlignVCenter, text)
