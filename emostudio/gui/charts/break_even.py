"""Measured time of a layer's factors over their rank, against the layer itself."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from emostudio.core.low_rank import LayerBreakEven, RankTime
from emostudio.gui.charts.canvas import Chart, paint_bottom_axis, paint_grid_rows
from emostudio.gui.charts.ticks import format_tick, linear_ticks
from emostudio.gui.painting import metrics
from emostudio.gui.theme import theme

_DOT = 3.5
_PLANNED = 5.0
_LABEL_WIDTH = 34.0


class BreakEvenChart(Chart):
    """A line of milliseconds over ranks, the layer's own time dashed, the break-even marked."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Measured time over rank"))
        self.setMinimumHeight(150)
        self._layer: LayerBreakEven | None = None

    def show_layer(self, layer: LayerBreakEven | None) -> None:
        """Draw the times of one layer; None clears the chart."""
        self._layer = layer
        if layer is None:
            self.describe("")
            return
        times = [f"rank {time.rank} {time.ms:.3f} ms" for time in layer.times]
        self.describe(", ".join([f"layer {layer.dense_ms:.3f} ms", *times, self.verdict()]))

    def verdict(self) -> str:
        """Return in words up to which rank the factors are faster."""
        rank = None if self._layer is None else self._layer.break_even_rank
        if rank is None:
            return self.tr("faster at every measured rank")
        if not rank:
            return self.tr("slower at every rank")
        return self.tr("break-even at rank {0}").format(rank)

    def paintEvent(self, _event: object) -> None:
        """Paint the slower zone, grid, both lines, break-even and planned rank."""
        layer = self._layer
        if layer is None or not layer.times:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top_ms = 1.15 * max(layer.dense_ms, *(time.ms for time in layer.times))
        most = 1.04 * max(*(time.rank for time in layer.times), layer.planned_rank or 0)
        area = QRectF(_LABEL_WIDTH + 8, 18, self.width() - _LABEL_WIDTH - 22, self.height() - 42)

        def place(rank: float, ms: float) -> QPointF:
            across, up = rank / most * area.width(), ms / top_ms * area.height()
            return QPointF(area.left() + across, area.bottom() - up)

        self._paint_zone(painter, area, layer, place)
        rows = [(place(0, ms).y(), f"{format_tick(ms)}") for ms in linear_ticks(0, top_ms, 4)]
        paint_grid_rows(painter, area, rows, _LABEL_WIDTH)
        ticks = [(place(rank, 0).x(), format_tick(rank)) for rank in linear_ticks(0, most, 6)]
        paint_bottom_axis(painter, area, ticks)
        self._paint_dense(painter, area, place(0, layer.dense_ms).y())
        self._paint_times(painter, layer, place)
        self._paint_verdict(painter, area, layer, place)
        painter.end()

    def _paint_zone(
        self,
        painter: QPainter,
        area: QRectF,
        layer: LayerBreakEven,
        place: Callable[[float, float], QPointF],
    ) -> None:
        if layer.break_even_rank is None:
            return
        left = place(layer.break_even_rank, 0).x()
        zone = QRectF(left, area.top(), area.right() - left, area.height())
        painter.fillRect(zone, theme().colour("bad_soft"))

    def _paint_dense(self, painter: QPainter, area: QRectF, y: float) -> None:
        pen = QPen(theme().colour("text2"), 1.5)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        self._paint_words(
            painter, area, QPointF(area.left() + 4, y - 18), self.tr("as it is"), "text2"
        )

    def _paint_times(
        self,
        painter: QPainter,
        layer: LayerBreakEven,
        place: Callable[[float, float], QPointF],
    ) -> None:
        line = [place(time.rank, time.ms) for time in layer.times if not _is_beside(time, layer)]
        painter.setPen(QPen(theme().colour("accent"), 2))
        painter.drawPolyline(line)
        for time in layer.times:
            centre = place(time.rank, time.ms)
            is_beside = _is_beside(time, layer)
            painter.setPen(QPen(theme().colour("accent" if is_beside else "card"), 1.5))
            painter.setBrush(theme().colour("card" if is_beside else "accent"))
            painter.drawEllipse(centre, _DOT, _DOT)
        if layer.planned_rank is not None and layer.planned_share is not None:
            centre = place(layer.planned_rank, layer.planned_share * layer.dense_ms)
            painter.setPen(QPen(theme().colour("card"), 1.5))
            painter.setBrush(theme().colour("bad" if layer.is_slower else "ok"))
            painter.drawEllipse(centre, _PLANNED, _PLANNED)

    def _paint_verdict(
        self,
        painter: QPainter,
        area: QRectF,
        layer: LayerBreakEven,
        place: Callable[[float, float], QPointF],
    ) -> None:
        right = area.right()
        if layer.break_even_rank is not None:
            right = place(layer.break_even_rank, 0).x()
            painter.setPen(QPen(theme().colour("bad"), 1.5))
            painter.drawLine(QPointF(right, area.top()), QPointF(right, area.bottom()))
        words = self.verdict()
        width = metrics("small_medium").horizontalAdvance(words)
        left = min(max(right - width / 2, area.left()), area.right() - width)
        self._paint_words(painter, area, QPointF(left, 0), words, "text")

    @staticmethod
    def _paint_words(
        painter: QPainter, area: QRectF, corner: QPointF, words: str, token: str
    ) -> None:
        painter.setFont(theme().font("small_medium" if token == "text" else "caption"))
        painter.setPen(theme().colour(token))
        rect = QRectF(corner.x(), corner.y(), area.right() - corner.x() + 2, 18)
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, words)


def _is_beside(time: RankTime, layer: LayerBreakEven) -> bool:
    return time.rank % layer.grid != 0
