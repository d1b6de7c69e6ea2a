"""Accuracy against time: frontier, dominated variants and intervals, named directly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPen, QPolygonF

from emostudio.core.measured import NO_LIMITS, Limits
from emostudio.gui.charts.labels import MARK_RADIUS, Box, place_labels
from emostudio.gui.charts.marks import mark_path, series_colour, series_ink, series_pen
from emostudio.gui.charts.pareto_limits import PlacedLimits, paint_limits, place_limits
from emostudio.gui.charts.ticks import format_tick, linear_ticks, log_ticks
from emostudio.gui.painting import metrics
from emostudio.gui.theme import theme
from emostudio.gui.tokens import series

_LEFT, _BOTTOM, _TOP, _RIGHT = 34, 40, 8, 14
_PICK_DISTANCE = 14.0
_RING, _OPEN_RING = 13.0, 10.5
"""Radii of the ring around the selected and around an undecided point."""


@dataclass(frozen=True)
class ParetoPoint:
    """One measured variant.

    Attributes
    ----------
    x, y
        Milliseconds (positive) and accuracy in percent.
    x_interval, y_interval
        95 % intervals, None where not measured.
    state
        ``frontier``, ``dominated`` or ``undecided`` (the measured pairs do not settle it).
    """

    name: str
    slot: int
    x: float
    y: float
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    state: str = "frontier"
    label: str = ""
    """Written beside the mark where it should be shorter than the name."""


class _LogAxis(pg.AxisItem):  # type: ignore[misc]
    """Labels at round milliseconds; the view counts in decades."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        del size
        return [(1.0, [math.log10(value) for value in log_ticks(10**low, 10**high, 6)])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        del scale, spacing
        return [format_tick(float(f"{10**value:.4g}")) for value in values]


class _LinearAxis(pg.AxisItem):  # type: ignore[misc]
    """Labels at round percents."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        del size
        return [(1.0, linear_ticks(low, min(high, 100.0), 6))]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        del scale, spacing
        return [format_tick(value) for value in values]


class ParetoChart(pg.PlotWidget):  # type: ignore[misc]
    """The scatter; marks, whiskers and labels are painted in pixels over the plot.

    Signals
    -------
    point_picked
        Name of the variant that was clicked.
    """

    point_picked = Signal(str)

    def __init__(self) -> None:
        axes = {"bottom": _LogAxis("bottom"), "left": _LinearAxis("left")}
        super().__init__(axisItems=axes)
        self._points: tuple[ParetoPoint, ...] = ()
        self._selected = ""
        self._limits = NO_LIMITS
        self._x_title = self.tr("Inference p50, ms (log), left is faster")
        self.setAccessibleName(self.tr("Accuracy against time"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMenuEnabled(False)
        self.hideButtons()
        item = self.getPlotItem()
        item.setContentsMargins(0, _TOP, _RIGHT, 0)
        item.getAxis("left").setWidth(_LEFT)
        item.getAxis("left").setStyle(tickLength=0, hideOverlappingLabels=False)
        item.getAxis("bottom").setHeight(_BOTTOM)
        item.getAxis("bottom").setStyle(tickLength=0, hideOverlappingLabels=False)
        self.setMinimumHeight(150)
        theme().changed.connect(self.apply_theme)
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take colours and fonts of the theme in use."""
        colours = theme().colours
        self.setBackground(colours.card)
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            line = colours.card if name == "left" else colours.line2
            axis.setPen(pg.mkPen(line, width=1))
            axis.setTextPen(pg.mkPen(colours.text3))
            axis.setStyle(tickFont=theme().font("caption"))
        self._name_axis()
        self.viewport().update()

    def show_points(self, points: Sequence[ParetoPoint]) -> None:
        """Draw these variants and fit the view to them."""
        self._points = tuple(point for point in points if point.x > 0)
        self._name_axis()
        self._fit()
        words = (f"{p.name} {p.x:.1f} ms {p.y:.1f} % {p.state}" for p in self._points)
        self.setAccessibleDescription(", ".join((*words, *self._limit_words())))
        self.viewport().update()

    def show_limits(self, limits: Limits) -> None:
        """Draw lines that the variants must keep to; the view does not move for them."""
        self._limits = limits
        self.viewport().update()

    def select(self, name: str) -> None:
        """Mark the point of this variant."""
        self._selected = name
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the nearest point under the pointer."""
        place = event.position()
        near = [
            (math.hypot(at.x() - place.x(), at.y() - place.y()), point.name)
            for point, at in zip(self._points, self._centres(), strict=True)
        ]
        if near and min(near)[0] <= _PICK_DISTANCE:
            self.point_picked.emit(min(near)[1])
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything again after zooming."""
        self._fit()
        super().mouseDoubleClickEvent(event)

    def drawForeground(self, painter: QPainter, rect: Any) -> None:
        """Paint frontier, whiskers, marks and labels in pixels."""
        super().drawForeground(painter, rect)
        if not self._points:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.getViewBox().sceneBoundingRect()
        painter.setClipRect(area.adjusted(-6, -8, 14, 0))
        centres = self._centres()
        self._paint_grid(painter, area)
        paint_limits(painter, self._placed_limits(area))
        self._paint_frontier(painter, area)
        for point, centre in zip(self._points, centres, strict=True):
            self._paint_whiskers(painter, point)
            self._paint_point(painter, point, centre)
        self._paint_labels(painter, area, centres)
        painter.restore()

    def changeEvent(self, event: QEvent) -> None:
        """Repaint when the screen changes."""
        super().changeEvent(event)
        self.viewport().update()

    def _name_axis(self) -> None:
        font = theme().font("caption")
        style = {"color": theme().colours.text3, "font-size": f"{font.pixelSize()}px"}
        self.getPlotItem().getAxis("bottom").setLabel(self._x_title, **style)

    def _limit_words(self) -> list[str]:
        most, least = self._limits.most_ms, self._limits.least_accuracy
        words = [] if most is None else [self.tr("limit {0} ms").format(f"{most:g}")]
        return (
            words if least is None else [*words, self.tr("limit {0} %").format(f"{100 * least:g}")]
        )

    def _fit(self) -> None:
        if not self._points:
            return
        xs = [value for p in self._points for value in (p.x, *(p.x_interval or ())) if value > 0]
        ys = [value for p in self._points for value in (p.y, *(p.y_interval or ()))]
        left, right = math.log10(min(xs)), math.log10(max(xs))
        low, high = min(ys), max(ys)
        wide, tall = max((right - left) * 0.12, 0.08), max((high - low) * 0.08, 0.6)
        self.getPlotItem().setXRange(left - wide, right + wide * 1.6, padding=0)
        self.getPlotItem().setYRange(max(low - tall, 0.0), min(high + tall, 101.0), padding=0)

    def _to_scene(self, x: float, y: float) -> QPointF:
        return QPointF(self.getViewBox().mapViewToScene(QPointF(math.log10(max(x, 1e-9)), y)))

    def _centres(self) -> list[QPointF]:
        return [self._to_scene(point.x, point.y) for point in self._points]

    def _paint_grid(self, painter: QPainter, area: QRectF) -> None:
        low, high = self.getViewBox().viewRange()[1]
        painter.setPen(QPen(theme().colour("line"), 1))
        for tick in linear_ticks(low, min(high, 100.0), 6):
            y = round(self._to_scene(1.0, tick).y()) + 0.5
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def _placed_limits(self, area: QRectF) -> PlacedLimits:
        return place_limits(self._limits, area, self._to_scene)

    def _frontier_corners(self, area: QRectF) -> list[QPointF]:
        corners: list[QPointF] = []
        best = -math.inf
        for x, y in sorted((p.x, p.y) for p in self._points if p.state != "dominated"):
            if y <= best:
                continue
            at = self._to_scene(x, y)
            if corners:
                corners.append(QPointF(at.x(), corners[-1].y()))
            corners.append(at)
            best = y
        if corners:
            corners.append(QPointF(area.right(), corners[-1].y()))
        return corners

    def _paint_frontier(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(QPen(theme().colour("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(self._frontier_corners(area)))

    def _paint_whiskers(self, painter: QPainter, point: ParetoPoint) -> None:
        painter.setPen(QPen(series_colour(point.slot), 1.5))
        if point.x_interval:
            low, high = point.x_interval
            painter.drawLine(self._to_scene(low, point.y), self._to_scene(high, point.y))
        if point.y_interval:
            low, high = point.y_interval
            painter.drawLine(self._to_scene(point.x, low), self._to_scene(point.x, high))

    def _paint_point(self, painter: QPainter, point: ParetoPoint, centre: QPointF) -> None:
        colour = series_colour(point.slot)
        path = mark_path(series(point.slot).mark, centre, 11)
        pen = series_pen(point.slot, width=1.75)
        pen.setStyle(Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        painter.setBrush(theme().colour("card") if point.state == "dominated" else colour)
        painter.drawPath(path)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if point.state == "undecided":
            ring = QPen(theme().colour("warn"), 1.5)
            ring.setDashPattern([3, 2])
            painter.setPen(ring)
            painter.drawEllipse(centre, _OPEN_RING, _OPEN_RING)
        if point.name == self._selected:
            painter.setPen(QPen(theme().colour("focus"), 2))
            painter.drawEllipse(centre, _RING, _RING)

    def _obstacles(self, area: QRectF) -> list[Box]:
        corners = self._frontier_corners(area)
        boxes = [
            (min(a.x(), b.x()), min(a.y(), b.y()) - 1, abs(a.x() - b.x()), abs(a.y() - b.y()) + 2)
            for a, b in itertools.pairwise(corners)
        ]
        for point in self._points:
            low, high = point.y_interval or (point.y, point.y)
            bottom, top = self._to_scene(point.x, low), self._to_scene(point.x, high)
            boxes.append((top.x() - 2, top.y(), 4.0, bottom.y() - top.y()))
        for line in self._placed_limits(area).lines:
            boxes.append(_box(line.label))
            boxes.append(_box(QRectF(line.start, line.end).adjusted(-1, -1, 1, 1)))
        return boxes

    def _radius(self, point: ParetoPoint) -> float:
        if point.name == self._selected:
            return _RING + 1
        return _OPEN_RING + 1 if point.state == "undecided" else MARK_RADIUS

    def _paint_labels(self, painter: QPainter, area: QRectF, centres: list[QPointF]) -> None:
        measure = metrics("small_medium")
        sizes = [(measure.horizontalAdvance(p.label or p.name) + 2, 16.0) for p in self._points]
        box = (area.left() + 4, area.top(), area.width() - 4, area.height())
        at = [(centre.x(), centre.y()) for centre in centres]
        radii = [self._radius(point) for point in self._points]
        places = place_labels(at, sizes, box, self._obstacles(area), radii)
        painter.setFont(theme().font("small_medium"))
        for point, centre, place, size in zip(self._points, centres, places, sizes, strict=True):
            ink = series_ink(point.slot)
            if place.has_leader:
                painter.setPen(QPen(ink, 1))
                elbow, end = (QPointF(*corner) for corner in place.leader(size))
                painter.drawPolyline([centre, elbow, end])
            painter.setPen(ink)
            painter.drawText(
                QRectF(place.x, place.y, size[0], size[1]),
                Qt.AlignmentFlag.AlignVCenter,
                point.label or point.name,
            )


def _box(rect: QRectF) -> Box:
    return (rect.left(), rect.top(), rect.width(), rect.height())
