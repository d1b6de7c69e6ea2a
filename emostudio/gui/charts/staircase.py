"""How the predicted size falls with every step of a recipe, on a logarithmic scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from emostudio.gui.charts.canvas import Chart, paint_bottom_axis
from emostudio.gui.charts.ticks import format_tick, log_ticks
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme

_ROW = 24.0
_AXIS = 24.0


@dataclass(frozen=True)
class Stair:
    """Size after one step; `is_bound` marks sizes that depend on the trained weights."""

    name: str
    megabytes: float
    is_bound: bool = False


class Staircase(Chart):
    """One row per stage: name, dot on the scale, megabytes."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Size after each step"))
        self._stairs: tuple[Stair, ...] = ()
        self._goal_mb: float | None = None
        self.setFixedHeight(round(_ROW + _AXIS))

    def show_stairs(self, stairs: Sequence[Stair], goal_mb: float | None = None) -> None:
        """Draw these stages, the teacher first, and the goal if there is one."""
        self._stairs = tuple(stairs)
        self._goal_mb = goal_mb
        self.setFixedHeight(round(_ROW * max(len(self._stairs), 1) + _AXIS))
        self.describe(", ".join(f"{s.name} {self._value(s)} MB" for s in self._stairs))

    @staticmethod
    def _value(stair: Stair) -> str:
        text = f"{stair.megabytes:,.1f}" if stair.megabytes >= 1 else f"{stair.megabytes:.2f}"
        return f"≈ {text}" if stair.is_bound else text

    def paintEvent(self, _event: object) -> None:
        """Paint goal, grid, staircase, dots and values."""
        if not self._stairs:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = self._range()
        area = self._area()

        def x_of(megabytes: float) -> float:
            share = (math.log(megabytes) - low) / (high - low)
            return area.left() + share * area.width()

        self._paint_goal(painter, area, x_of)
        ticks = log_ticks(math.exp(low), math.exp(high), 4)
        for tick in ticks:
            painter.setPen(QPen(theme().colour("line"), 1))
            painter.drawLine(QPointF(x_of(tick), area.top()), QPointF(x_of(tick), area.bottom()))
        paint_bottom_axis(painter, area, [(x_of(tick), format_tick(tick)) for tick in ticks])
        self._paint_steps(painter, area, x_of)
        painter.end()

    def _range(self) -> tuple[float, float]:
        sizes = [max(stair.megabytes, 1e-4) for stair in self._stairs]
        if self._goal_mb:
            sizes.append(self._goal_mb)
        low, high = math.log(min(sizes)), math.log(max(sizes))
        margin = max((high - low) * 0.14, 0.25)
        return low - margin, high + margin

    def _area(self) -> QRectF:
        names = max(metrics("small").horizontalAdvance(stair.name) for stair in self._stairs)
        values = max(metrics("small_bold").horizontalAdvance(self._value(s)) for s in self._stairs)
        left = min(names, self.width() * 0.4) + 10
        return QRectF(left, 0, max(self.width() - left - values - 14, 20), _ROW * len(self._stairs))

    def _paint_goal(self, painter: QPainter, area: QRectF, x_of: Callable[[float], float]) -> None:
        if self._goal_mb is None:
            return
        x = x_of(self._goal_mb)
        zone = QRectF(area.left(), area.top(), x - area.left(), area.height())
        painter.fillRect(zone, theme().colour("ok_soft"))
        painter.setPen(QPen(theme().colour("ok"), 1.5))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _paint_steps(self, painter: QPainter, area: QRectF, x_of: Callable[[float], float]) -> None:
        centres = [
            QPointF(x_of(max(stair.megabytes, 1e-4)), area.top() + _ROW * (index + 0.5))
            for index, stair in enumerate(self._stairs)
        ]
        painter.setPen(QPen(theme().colour("accent"), 1.5))
        for first, second in itertools.pairwise(centres):
            corner = QPointF(second.x(), first.y())
            painter.drawLine(first, corner)
            painter.drawLine(corner, second)
        for index, (stair, centre) in enumerate(zip(self._stairs, centres, strict=True)):
            painter.setPen(QPen(theme().colour("card"), 1))
            painter.setBrush(theme().colour("text3" if index == 0 else "accent"))
            painter.drawEllipse(centre, 4.5, 4.5)
            self._paint_row(painter, area, stair, index)

    def _paint_row(self, painter: QPainter, area: QRectF, stair: Stair, index: int) -> None:
        top = area.top() + _ROW * index
        paint_text(painter, QRectF(0, top, area.left() - 8, _ROW), stair.name, "small", "text")
        is_met = self._goal_mb is not None and stair.megabytes <= self._goal_mb
        paint_text(
            painter,
            QRectF(area.right() + 4, top, self.width() - area.right() - 4, _ROW),
            self._value(stair),
            "small_bold",
            "ok" if is_met else "text",
            Qt.AlignmentFlag.AlignRight,
        )
