"""Frames per second of every variant over the last minute, each with its value at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from emostudio.gui.charts.canvas import Chart, paint_bottom_axis, paint_grid_rows
from emostudio.gui.charts.marks import paint_mark, series_ink, series_pen
from emostudio.gui.charts.ticks import format_tick, linear_ticks
from emostudio.gui.painting import metrics
from emostudio.gui.theme import theme

WINDOW_S = 60.0
_LABEL_STEP = 15.0


@dataclass
class _Lane:
    name: str
    slot: int
    points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=600))


class FpsRace(Chart):
    """One line per variant; the caller adds a point per counter event."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("FPS race"))
        self.setMinimumHeight(140)
        self._lanes: list[_Lane] = []

    def start(self, variants: Sequence[tuple[str, int]]) -> None:
        """Begin again with these (name, slot) pairs."""
        self._lanes = [_Lane(name, slot) for name, slot in variants]
        self.describe("")

    def add(self, moment_s: float, fps: Mapping[str, float]) -> None:
        """Add the frames per second measured at `moment_s`, by variant name."""
        for lane in self._lanes:
            value = fps.get(lane.name)
            if value is not None:
                lane.points.append((moment_s, value))
            while lane.points and lane.points[0][0] < moment_s - WINDOW_S:
                lane.points.popleft()
        last = [(lane.name, lane.points[-1][1]) for lane in self._lanes if lane.points]
        self.describe(", ".join(f"{name} {value:.1f} FPS" for name, value in last))

    def paintEvent(self, _event: object) -> None:
        """Paint grid, lines, end marks and values."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points = [point for lane in self._lanes for point in lane.points]
        top = max((fps for _, fps in points), default=10.0) * 1.12
        now = max((moment for moment, _ in points), default=0.0)
        area = self._area(top)
        ticks = linear_ticks(0.0, top, 4)
        rows = [(self._y(area, tick, top), format_tick(tick)) for tick in ticks]
        paint_grid_rows(painter, area, rows, area.left() - 8)
        names = (self.tr("−60 s"), self.tr("−30 s"), self.tr("now"))
        places = (area.left(), area.center().x(), area.right())
        paint_bottom_axis(painter, area, list(zip(places, names, strict=True)))
        for lane in self._lanes:
            self._paint_lane(painter, area, lane, now, top)
        self._paint_values(painter, area, top)
        painter.end()

    def _area(self, top: float) -> QRectF:
        label = metrics("caption").horizontalAdvance(format_tick(round(top)))
        value = metrics("small_bold").horizontalAdvance(f"{top:.0f}0")
        left = max(label, 18) + 16
        return QRectF(left, 8, max(self.width() - left - value - 16, 20), self.height() - 32)

    @staticmethod
    def _y(area: QRectF, fps: float, top: float) -> float:
        return area.bottom() - fps / top * area.height()

    def _paint_lane(
        self, painter: QPainter, area: QRectF, lane: _Lane, now: float, top: float
    ) -> None:
        if not lane.points:
            return
        path = QPainterPath()
        for index, (moment, fps) in enumerate(lane.points):
            x = area.right() - (now - moment) / WINDOW_S * area.width()
            point = QPointF(x, self._y(area, fps, top))
            path.lineTo(point) if index else path.moveTo(point)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(series_pen(lane.slot))
        painter.drawPath(path)
        paint_mark(painter, lane.slot, path.currentPosition(), 9)

    def _paint_values(self, painter: QPainter, area: QRectF, top: float) -> None:
        painter.setFont(theme().font("small_bold"))
        floor = -1e9
        ended = [lane for lane in self._lanes if lane.points]
        for lane in sorted(ended, key=lambda lane: -lane.points[-1][1]):
            fps = lane.points[-1][1]
            y = max(self._y(area, fps, top), floor + _LABEL_STEP)
            floor = y
            painter.setPen(series_ink(lane.slot))
            painter.drawText(
                QRectF(area.right() + 9, y - 9, 60, 18), Qt.AlignmentFlag.AlignVCenter, f"{fps:.0f}"
            )
