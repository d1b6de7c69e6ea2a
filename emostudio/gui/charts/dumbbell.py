"""The paper's figure and ours on one line: a hollow ring, and a disc with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from emostudio.gui.charts.canvas import Chart, paint_bottom_axis
from emostudio.gui.charts.ticks import format_tick, linear_ticks
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme

_AXIS = 24.0
_ROOM = 14.0
_RING = 5.0
_LEAST_ROW = 16
_NAME_SHARE = 0.55
"""Of the width, at most."""


@dataclass(frozen=True)
class DumbbellRow:
    """One line; what is None is not drawn."""

    name: str
    paper: float | None = None
    ours: tuple[float, float, float] | None = None
    """Low, value, high."""


class Dumbbell(Chart):
    """A line per row on one shared linear scale."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("The paper's figures beside ours"))
        self._rows: tuple[DumbbellRow, ...] = ()
        self._unit = ""

    def show_rows(self, rows: Sequence[DumbbellRow], unit: str) -> None:
        """Draw these rows, in order; `unit` stands behind the axis labels."""
        self._rows, self._unit = tuple(rows), unit
        self.setMinimumHeight(round(_LEAST_ROW * len(self._rows) * theme().scale + _AXIS))
        self.describe(", ".join(self._in_words(row) for row in self._rows))

    def _in_words(self, row: DumbbellRow) -> str:
        paper = "" if row.paper is None else f" {self.tr('paper')} {row.paper:g}"
        ours = ""
        if row.ours is not None:
            low, value, high = row.ours
            ours = f" {self.tr('ours')} {value:.1f} ({low:.1f}–{high:.1f})"
        return f"{row.name}{paper}{ours}"

    def paintEvent(self, _event: object) -> None:
        """Paint grid, rings, discs and intervals."""
        values = [value for row in self._rows for value in (*(row.ours or ()), row.paper)]
        known = [value for value in values if value is not None]
        if not known:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names: float = max(metrics("small").horizontalAdvance(row.name) for row in self._rows) + 16
        left = float(min(names, _NAME_SHARE * self.width()))
        area = QRectF(left, 0, max(self.width() - left - _ROOM, 40), self.height() - _AXIS)
        low, high = min(known), max(known)
        margin = 0.04 * (high - low or 1.0)
        low, high = low - margin, high + margin

        start, scale = area.left() + _ROOM, (area.width() - _ROOM) / (high - low)

        def x_of(value: float) -> float:
            return float(start + (value - low) * scale)

        ticks = linear_ticks(low, high, 5)
        painter.setPen(QPen(theme().colour("line"), 1))
        for tick in ticks:
            painter.drawLine(QPointF(x_of(tick), 0), QPointF(x_of(tick), area.bottom()))
        unit = self._unit if self._unit in {"", "×"} else f" {self._unit}"
        labels = [(x_of(tick), f"{format_tick(tick)}{unit}") for tick in ticks]
        paint_bottom_axis(painter, area, labels)
        step = area.height() / len(self._rows)
        for index, row in enumerate(self._rows):
            y = step * (index + 0.5)
            paint_text(painter, QRectF(0, y - 10, left - 8, 20), row.name, "small", "text")
            ours = None if row.ours is None else tuple(map(x_of, row.ours))
            _paint_row(painter, y, None if row.paper is None else x_of(row.paper), ours)
        painter.end()


def _paint_row(
    painter: QPainter, y: float, paper: float | None, ours: tuple[float, ...] | None
) -> None:
    colours = theme()
    if paper is not None and ours is not None:
        painter.setPen(QPen(colours.colour("line2"), 2))
        painter.drawLine(QPointF(paper, y), QPointF(ours[1], y))
    if ours is not None:
        low, value, high = ours
        painter.setPen(QPen(colours.colour("accent"), 2))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.colour("accent"))
        painter.drawEllipse(QPointF(value, y), 4, 4)
    if paper is not None:
        painter.setPen(QPen(colours.colour("text2"), 2))
        painter.setBrush(colours.colour("card"))
        painter.drawEllipse(QPointF(paper, y), _RING, _RING)


class DumbbellKey(QWidget):
    """What ring and disc stand for."""

    def __init__(self) -> None:
        super().__init__()
        self._words = (self.tr("paper"), self.tr("ours, 95 % interval"))
        self.setAccessibleName(", ".join(self._words))
        self.setFixedHeight(round(18 * theme().scale))
        widths = [metrics("small").horizontalAdvance(word) for word in self._words]
        self.setFixedWidth(round(sum(widths) + 60))
        theme().changed.connect(self.update)

    def paintEvent(self, _event: object) -> None:
        """Draw both marks with their words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y, x = self.height() / 2, 7.0
        for word, is_ring in zip(self._words, (True, False), strict=True):
            painter.setPen(QPen(theme().colour("text2"), 2) if is_ring else Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour("card" if is_ring else "accent"))
            painter.drawEllipse(QPointF(x, y), 4.5, 4.5)
            width = metrics("small").horizontalAdvance(word) + 4
            paint_text(painter, QRectF(x + 11, y - 9, width, 18), word, "small", "text2")
            x += width + 28
        painter.end()
