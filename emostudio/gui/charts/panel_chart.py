"""Any chart of the catalogue, painted panel by panel; it grows downwards and is scrolled."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip

from emostudio.gui.charts.canvas import Chart
from emostudio.gui.charts.panels.bars import bars_height, paint_bars, row_name
from emostudio.gui.charts.panels.gallery import gallery_height, paint_gallery
from emostudio.gui.charts.panels.matrix import cell_words, matrix_height, paint_matrix
from emostudio.gui.charts.panels.plot import paint_plot, plot_height
from emostudio.gui.charts.panels.radar import paint_radar, radar_height
from emostudio.gui.theme import theme
from emostudio.workspace.charts.base import Bars, Gallery, Matrix, Panel, Plot, Radar
from emostudio.workspace.charts.base import Chart as ChartData
from emostudio.workspace.charts.tables import numbers

_GAP = 16.0
_LEAST_WIDTH = {Bars: 250.0, Matrix: 330.0}
"""Panels stand side by side where each keeps at least this width in pixels."""
_LEAST_DOTS = 300.0
_LEAST_ALONE = 180.0
_MOST_WORDS = 60


class PanelChart(Chart):
    """Paints a chart; hovering over a panel says what it means."""

    def __init__(self) -> None:
        super().__init__()
        self._panels: tuple[Panel, ...] = ()
        self._places: list[QRectF] = []
        self._selected = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        theme().changed.connect(self._fit)

    def show_chart(self, chart: ChartData | None) -> None:
        """Draw this chart; None draws nothing."""
        self._panels = chart.panels if chart is not None else ()
        self.setAccessibleName(chart.title if chart is not None else "")
        self.describe("" if chart is None else _in_words(chart))
        self._fit()

    def select(self, name: str) -> None:
        """Let the line of this variant stand before the others where not all can."""
        self._selected = name
        self.update()

    def panels(self) -> tuple[Panel, ...]:
        """Return what is drawn."""
        return self._panels

    def sizeHint(self) -> QSize:
        """Ask for the height that the panels need at the present width."""
        return QSize(240, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the panels anew."""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Say what the number of the panel under the pointer means."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.meaning_at(event.pos().x(), event.pos().y()))
            return True
        return super().event(event)

    def meaning_at(self, x: float, y: float) -> str:
        """Return row or cell and note of the panel at a pixel, empty beside all of them."""
        for place, panel in zip(self._places, self._panels, strict=True):
            if place.contains(x, y):
                return _meaning(place, panel, x, y)
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint all panels."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, panel in zip(self._places, self._panels, strict=True):
            _paint(painter, place, panel, self._selected)
        painter.end()

    def _fit(self) -> None:
        self._places = []
        top = 0.0
        width = float(max(self.width(), 120))
        if len(self._panels) == 1 and isinstance(self._panels[0], Plot | Radar):
            self._fit_alone(width)
            return
        columns = _columns(self._panels, width)
        cell = (width - _GAP * (columns - 1)) / columns
        for start in range(0, len(self._panels), columns):
            row = self._panels[start : start + columns]
            height = max(_height(panel, cell) for panel in row)
            self._places += [
                QRectF(place * (cell + _GAP), top, cell, height) for place in range(len(row))
            ]
            top += height + _GAP / 2
        self._ask_for(top)

    def _fit_alone(self, width: float) -> None:
        """Let a lone picture fill what is there, so that its axis is in sight."""
        least = _LEAST_ALONE * theme().scale
        self._places = [QRectF(0, 0, width, max(least, float(self.height())))]
        self._ask_for(least)

    def _ask_for(self, height: float) -> None:
        self.setMinimumHeight(round(height))
        self.updateGeometry()
        self.update()


def _columns(panels: Sequence[Panel], width: float) -> int:
    if not panels:
        return 1
    first = panels[0]
    least = _LEAST_WIDTH.get(type(first), width)
    if isinstance(first, Bars) and len(first.series) > 1:
        least = _LEAST_DOTS
    return max(1, min(len(panels), int((width + _GAP) / (least * theme().scale + _GAP))))


def _height(panel: Panel, width: float) -> float:
    if isinstance(panel, Bars):
        return bars_height(panel, width)
    if isinstance(panel, Matrix):
        return matrix_height(panel, width)
    if isinstance(panel, Gallery):
        return gallery_height(panel, width)
    return plot_height(panel, width) if isinstance(panel, Plot) else radar_height(panel, width)


def _meaning(place: QRectF, panel: Panel, x: float, y: float) -> str:
    words = ""
    if isinstance(panel, Bars):
        words = row_name(place, panel, y)
    elif isinstance(panel, Matrix):
        words = cell_words(place, panel, QPointF(x, y))
    return "\n".join(part for part in (words, panel.note) if part)


def _paint(painter: QPainter, place: QRectF, panel: Panel, selected: str) -> None:
    if isinstance(panel, Bars):
        paint_bars(painter, place, panel)
    elif isinstance(panel, Matrix):
        paint_matrix(painter, place, panel)
    elif isinstance(panel, Gallery):
        paint_gallery(painter, place, panel)
    elif isinstance(panel, Plot):
        paint_plot(painter, place, panel, selected)
    else:
        paint_radar(painter, place, panel)


def _in_words(chart: ChartData) -> str:
    """Return the chart's numbers for screen readers, the first ones of a long one."""
    words = []
    for table in numbers(chart):
        words.append(table.title)
        words += [
            " ".join(_word(value) for value in row if value is not None) for row in table.rows
        ]
    return ", ".join(words[:_MOST_WORDS])


def _word(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
