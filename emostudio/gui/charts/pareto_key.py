"""The legend line above the Pareto chart."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme

_GLYPH = 22
_GAP = 14


class ParetoKey(QWidget):
    """Frontier, dominated, not decided, interval."""

    def __init__(self) -> None:
        super().__init__()
        self._words = (
            self.tr("Frontier"),
            self.tr("Dominated"),
            self.tr("Not decided"),
            self.tr("95 % interval"),
        )
        self.setAccessibleName(", ".join(self._words))
        theme().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """Ask for one line."""
        width = sum(metrics("caption").horizontalAdvance(word) for word in self._words)
        return QSize(round(width) + 4 * (_GLYPH + 4) + 3 * _GAP + 12, 20)

    def minimumSizeHint(self) -> QSize:
        """Accept to be cut off before the title is."""
        return QSize(0, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint glyphs and words."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = max(0.0, self.width() - self.sizeHint().width())
        glyphs = (self._frontier, self._dominated, self._undecided, self._interval)
        for word, glyph in zip(self._words, glyphs, strict=True):
            width = metrics("caption").horizontalAdvance(word)
            box = QRectF(x + _GLYPH + 4, 0, width + 2, self.height())
            if box.right() > self.width():
                break  # half a word explains nothing
            glyph(painter, QPointF(x + _GLYPH / 2, self.height() / 2))
            paint_text(painter, box, word, "caption", "text2")
            x = box.right() + _GAP

    @staticmethod
    def _frontier(painter: QPainter, at: QPointF) -> None:
        painter.setPen(QPen(theme().colour("accent"), 2))
        corners = [(-9, 5), (0, 5), (0, -4), (9, -4)]
        painter.drawPolyline([QPointF(at.x() + x, at.y() + y) for x, y in corners])

    @staticmethod
    def _dominated(painter: QPainter, at: QPointF) -> None:
        painter.setPen(QPen(theme().colour("text2"), 1.75))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 4.5, 4.5)

    @staticmethod
    def _undecided(painter: QPainter, at: QPointF) -> None:
        pen = QPen(theme().colour("warn"), 1.5)
        pen.setDashPattern([3, 2])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().colour("text2"))
        painter.drawEllipse(at, 4, 4)

    @staticmethod
    def _interval(painter: QPainter, at: QPointF) -> None:
        painter.setPen(QPen(theme().colour("text2"), 1.5))
        painter.drawLine(QPointF(at.x(), at.y() - 7), QPointF(at.x(), at.y() + 7))
