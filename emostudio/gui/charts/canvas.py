"""What all painted charts share: theme, focus, an accessible description, simple axes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme


class Chart(QWidget):
    """A painted chart: follows the theme, takes the focus, tells screen readers its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Ask for a modest size; layouts give charts what is left."""
        return QSize(240, 160)

    def describe(self, text: str) -> None:
        """Say the chart's numbers in words and repaint."""
        self.setAccessibleDescription(text)
        self.update()


def paint_grid_rows(
    painter: QPainter, area: QRectF, ticks: Sequence[tuple[float, str]], label_width: float
) -> None:
    """Paint horizontal grid lines with their labels left of `area`; ticks are (y, label)."""
    for y, label in ticks:
        painter.setPen(QPen(theme().colour("line"), 1))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        rect = QRectF(area.left() - label_width - 8, y - 9, label_width, 18)
        paint_text(painter, rect, label, "caption", "text3", Qt.AlignmentFlag.AlignRight)


def paint_bottom_axis(painter: QPainter, area: QRectF, ticks: Sequence[tuple[float, str]]) -> None:
    """Paint the axis line under `area` and centred labels; ticks are (x, label)."""
    painter.setPen(QPen(theme().colour("line2"), 1))
    painter.drawLine(area.bottomLeft(), area.bottomRight())
    for x, label in ticks:
        rect = QRectF(x - 40, area.bottom() + 4, 80, 16)
        paint_text(painter, rect, label, "caption", "text3", Qt.AlignmentFlag.AlignHCenter)
