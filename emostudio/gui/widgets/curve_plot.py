"""Curves over epochs or steps: thin pyqtgraph with our own grid, pens, marks and labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPen, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from emostudio.gui.charts.ticks import format_tick, linear_ticks
from emostudio.gui.theme import theme
from emostudio.gui.tokens import series

_ANTIALIAS_POINTS = 2_000
_AXIS_WIDTH = 42
_LABEL_GAP = 18
_LABEL_STEP = 15
_TEXT_MARGIN = 4
"""That a pyqtgraph text keeps around itself."""
_LONGEST_TICK = 5


@dataclass
class Curve:
    """One line: its points, series slot, and how it is drawn."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    slot: int = 0
    is_thin: bool = False
    """Train error beside test error: one pixel at 55 %."""
    is_selected: bool = False
    label: str = ""
    """Written in the series' ink beside the last point."""


@dataclass
class _Drawn:
    line: pg.PlotDataItem
    mark: pg.ScatterPlotItem
    text: pg.TextItem
    pen_key: tuple[object, ...] = field(default=())


class CurvePlot(QWidget):
    """Curves with direct labels; replace them with `set_curve` and call `redraw` at most at 10 Hz.

    Parameters
    ----------
    name
        Accessible name: what the chart shows.
    x_title
        Title under the x axis, empty for none.
    """

    def __init__(self, name: str, x_title: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._x_title = x_title
        self._x_end: float | None = None
        self._y_ticks = 6
        self._curves: dict[str, Curve] = {}
        self._drawn: dict[str, _Drawn] = {}
        self._grid: list[pg.InfiniteLine] = []
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName(name)
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.layout.setContentsMargins(0, 4, 14, 0)
        self._view = item.getViewBox()
        self._view.setDefaultPadding(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        theme().changed.connect(self.apply_theme)
        self.apply_theme()

    def sizeHint(self) -> QSize:
        """Ask for a modest size; layouts give charts what is left."""
        return QSize(240, 110)

    def minimumSizeHint(self) -> QSize:
        """Stay readable."""
        return QSize(120, 80)

    def curves(self) -> dict[str, Curve]:
        """Return what is drawn, by key."""
        return dict(self._curves)

    def set_x_end(self, end: float | None) -> None:
        """Let the x axis reach at least to `end`, such as the number of epochs."""
        self._x_end = end

    def set_x_title(self, title: str) -> None:
        """Change the title under the x axis."""
        self._x_title = title
        self._apply_axes()

    def set_y_ticks(self, count: int) -> None:
        """Ask for about `count` labels on the y axis."""
        self._y_ticks = count

    def set_curve(self, key: str, curve: Curve) -> None:
        """Add or replace a curve."""
        self._curves[key] = curve

    def remove(self, key: str) -> None:
        """Take a curve away."""
        self._curves.pop(key, None)
        drawn = self._drawn.pop(key, None)
        if drawn is not None:
            for part in (drawn.line, drawn.mark, drawn.text):
                self.plot.removeItem(part)

    def clear(self) -> None:
        """Take all curves away."""
        for key in list(self._curves):
            self.remove(key)

    def redraw(self) -> None:
        """Draw what was set since the last call."""
        for key, curve in self._curves.items():
            self._draw(key, curve)
        self._fit()
        self._place_labels()
        self.plot.setAccessibleDescription(self._in_words())

    def apply_theme(self) -> None:
        """Rebuild every pen, font and background."""
        self.plot.setBackground(theme().colours.card)
        self._apply_axes()
        for drawn in self._drawn.values():
            drawn.pen_key = ()
        self.redraw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the labels by pixels again."""
        super().resizeEvent(event)
        self._fit()
        self._place_labels()

    def _apply_axes(self) -> None:
        colours = theme().colours
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            is_bottom = side == "bottom"
            # an axis without a pen draws its ticks of no length as white dots
            axis.setPen(self._pen(colours.line2 if is_bottom else colours.card))
            axis.setTextPen(colours.text3)
            axis.setStyle(
                tickLength=0, hideOverlappingLabels=False, tickFont=theme().font("caption"),
                tickTextOffset=6,
            )  # fmt: skip
        self.plot.getAxis("left").setWidth(round(_AXIS_WIDTH * theme().scale))
        bottom = self.plot.getAxis("bottom")
        if self._x_title:
            bottom.label.setFont(theme().font("caption"))
            bottom.setLabel(self._x_title, color=colours.text3)
        bottom.setHeight(round((38 if self._x_title else 20) * theme().scale))

    def _pen(self, colour: str | QColor, width: float = 1.0) -> QPen:
        # Cosmetic widths are device pixels: without the ratio lines are half as thick at 200 %.
        pen: QPen = pg.mkPen(colour, width=width * self.devicePixelRatioF())
        return pen

    def _draw(self, key: str, curve: Curve) -> None:
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = _Drawn(pg.PlotDataItem(), pg.ScatterPlotItem(), pg.TextItem(anchor=(0, 0.5)))
            drawn.line.setClipToView(True)
            self.plot.addItem(drawn.line)
            self.plot.addItem(drawn.mark)
            self.plot.addItem(drawn.text, ignoreBounds=True)
            self._drawn[key] = drawn
        rules = series(curve.slot)
        pen_key = (curve.slot, curve.is_thin, curve.is_selected, theme().name)
        colour = QColor(rules.colour(theme().name))
        if drawn.pen_key != pen_key:
            drawn.pen_key = pen_key
            drawn.line.setPen(self._curve_pen(curve, QColor(colour)))
            drawn.mark.setZValue(10)
            drawn.text.setColor(QColor(rules.ink(theme().name)))
            drawn.text.setFont(theme().font("caption_bold"))
        is_long = len(curve.x) > _ANTIALIAS_POINTS
        drawn.line.setDownsampling(auto=is_long, method="peak")
        drawn.line.setData(curve.x, curve.y, antialias=not is_long, connect="finite")
        finite = np.flatnonzero(np.isfinite(curve.y))
        if curve.is_thin or not finite.size:
            drawn.mark.setData([], [])
        else:
            last = finite[-1:]
            drawn.mark.setData(
                curve.x[last], curve.y[last], symbol=rules.mark, size=10, brush=colour,
                pen=pg.mkPen(None),
            )  # fmt: skip

    def _curve_pen(self, curve: Curve, colour: QColor) -> QPen:
        width = 1.0 if curve.is_thin else 2.5 if curve.is_selected or curve.slot == 0 else 2.0
        if curve.is_thin:
            colour.setAlphaF(0.55)
        pen = self._pen(colour, width)
        dash = series(curve.slot).dash
        if dash:
            pen.setDashPattern(list(dash))
        return pen

    def _fit(self) -> None:
        known = [curve for curve in self._curves.values() if np.isfinite(curve.y).any()]
        x_high = max((float(curve.x[-1]) for curve in known if len(curve.x)), default=1.0)
        x_high = max(x_high, self._x_end or 0.0, 1.0)
        y_low = min([0.0, *(float(np.nanmin(curve.y)) for curve in known)])
        y_high = max((float(np.nanmax(curve.y)) for curve in known), default=1.0)
        if y_high <= y_low:
            y_high = y_low + (abs(y_low) or 1.0)
        y_ticks = linear_ticks(y_low, y_high * 1.04, self._y_ticks)
        top = max(y_high, y_ticks[-1] if y_ticks else y_high) + (y_high - y_low) * 0.06
        x_ticks = linear_ticks(0.0, x_high, 6, is_whole=True)
        room = self._label_room([curve.label for curve in known])
        self._view.setRange(xRange=(0.0, x_high * (1 + room)), yRange=(y_low, top), padding=0)
        self.plot.getAxis("left").setTicks([[(tick, _short(tick)) for tick in y_ticks]])
        self.plot.getAxis("bottom").setTicks([[(tick, format_tick(tick)) for tick in x_ticks]])
        self._draw_grid(y_ticks)

    def _label_room(self, labels: list[str]) -> float:
        """Return how much longer than the data the x axis is, so that labels fit behind it."""
        metrics = QFontMetrics(theme().font("caption_bold"))
        longest = max((metrics.horizontalAdvance(text) for text in labels if text), default=0)
        width = max(self._view.width(), 4.0 * longest, 1.0)
        taken = longest + _LABEL_GAP if longest else 4
        return float(taken / (width - taken))

    def _draw_grid(self, ticks: list[float]) -> None:
        pen = self._pen(theme().colours.line)
        while len(self._grid) < len(ticks):
            line = pg.InfiniteLine(angle=0)
            line.setZValue(-20)
            self._grid.append(line)
            self.plot.addItem(line, ignoreBounds=True)
        for number, line in enumerate(self._grid):
            line.setVisible(number < len(ticks))
            if number < len(ticks):
                line.setPos(ticks[number])
                line.setPen(pen)

    def _place_labels(self) -> None:
        measure = QFontMetrics(theme().font("caption_bold"))
        right = self._view.sceneBoundingRect().right() - 2 * _TEXT_MARGIN - 8
        places: list[tuple[float, float, pg.TextItem]] = []
        for key, drawn in self._drawn.items():
            curve = self._curves[key]
            finite = np.flatnonzero(np.isfinite(curve.y))
            drawn.text.setVisible(bool(curve.label) and bool(finite.size))
            if curve.label and finite.size:
                point = QPointF(float(curve.x[finite[-1]]), float(curve.y[finite[-1]]))
                pixel = self._view.mapViewToScene(point)
                room = max(int(right - pixel.x()), 0)
                drawn.text.setText(
                    measure.elidedText(curve.label, Qt.TextElideMode.ElideRight, room)
                )
                drawn.text.setToolTip(curve.label)
                places.append((pixel.y(), pixel.x(), drawn.text))
        floor = self._view.sceneBoundingRect().bottom() - _LABEL_STEP / 2
        rows = [place[0] for place in sorted(places, key=lambda place: place[0])]
        for number, y in enumerate(rows):
            rows[number] = y if number == 0 else max(y, rows[number - 1] + _LABEL_STEP)
        for number in reversed(range(len(rows))):
            rows[number] = min(rows[number], floor)
            floor = rows[number] - _LABEL_STEP
        for y, (_, x, text) in zip(rows, sorted(places, key=lambda place: place[0]), strict=True):
            text.setPos(self._view.mapSceneToView(QPointF(x + 8, y)))

    def _in_words(self) -> str:
        return "; ".join(curve.label for curve in self._curves.values() if curve.label)


def _short(tick: float) -> str:
    text = format_tick(tick)
    if len(text) <= _LONGEST_TICK:
        return text
    mantissa, _, power = f"{tick:.0e}".partition("e")
    return f"{mantissa}e{int(power)}".replace("-", "−")
