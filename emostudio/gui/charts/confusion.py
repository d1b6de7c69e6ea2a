"""A confusion matrix: rows the truth, columns what the model said, in percent of the truth."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath
from PySide6.QtWidgets import QToolTip

from emostudio.core.answers import EvaluationResult
from emostudio.gui.charts.canvas import Chart
from emostudio.gui.charts.panels.matrix import confusion_words
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE, mix

_HEAD, _TALLEST_ROW = 18.0, 30.0


class ConfusionChart(Chart):
    """Heat cells with the share in percent."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Confusion matrix"))
        self._result: EvaluationResult | None = None
        self.setMinimumHeight(130)

    def show_result(self, result: EvaluationResult | None) -> None:
        """Draw this result; None draws nothing."""
        self._result = result
        if result is None:
            self.describe("")
            return
        worst = sorted(
            (
                (count, result.labels[truth], result.labels[said])
                for truth, counts in enumerate(result.confusion)
                for said, count in enumerate(counts)
                if truth != said and count
            ),
            reverse=True,
        )[:3]
        self.describe(", ".join(f"{a} called {b} {count} times" for count, a, b in worst))

    def event(self, event: QEvent) -> bool:
        """Say what the cell or head under the pointer stands for."""
        if isinstance(event, QHelpEvent):
            at = event.pos()
            QToolTip.showText(event.globalPos(), self.meaning_at(at.x(), at.y()), self)
            return True
        return super().event(event)

    def meaning_at(self, x: float, y: float) -> str:
        """Return names in full of the cell or head at a pixel, empty beside them."""
        if self._result is None or not self._result.labels:
            return ""
        names, cells = self._names(), self._cells()
        column = int((x - cells.left()) // (cells.width() / len(names)))
        row = int((y - cells.top()) // (cells.height() / len(names)))
        if not 0 <= column < len(names) or row >= len(names):
            return ""
        if y < cells.top():
            return names[column]
        counts = self._result.confusion[row]
        percent = 100 * counts[column] / sum(counts) if sum(counts) else 0.0
        return confusion_words(names[row], names[column], percent)

    def paintEvent(self, _event: object) -> None:
        """Paint heads, cells and shares."""
        if self._result is None or not self._result.labels:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names, cells = self._names(), self._cells()
        width, height = cells.width() / len(names), cells.height() / len(names)
        for place, name in enumerate(names):
            top = QRectF(cells.left() + place * width, 0, width, _HEAD)
            short = metrics("caption").elidedText(name, Qt.TextElideMode.ElideRight, width - 2)
            if len(short) < 4:
                short = name[:3]
            paint_text(painter, top, short, "caption", "text3", Qt.AlignmentFlag.AlignHCenter)
            side = QRectF(0, cells.top() + place * height, cells.left() - 6, height)
            paint_text(painter, side, name, "caption", "text2")
            self._paint_row(painter, place, QRectF(cells.left(), side.top(), width, height))
        painter.end()

    def _names(self) -> list[str]:
        return [str(name).capitalize() for name in self._result.labels] if self._result else []

    def _cells(self) -> QRectF:
        names = self._names()
        left = max(metrics("caption").horizontalAdvance(name) for name in names) + 8
        height = min((self.height() - _HEAD) / len(names), _TALLEST_ROW) * len(names)
        return QRectF(left, _HEAD, self.width() - left, height)

    def _paint_row(self, painter: QPainter, truth: int, first: QRectF) -> None:
        assert self._result is not None  # noqa: S101 - the caller has looked
        counts = self._result.confusion[truth]
        total = sum(counts)
        colours = theme().colours
        for said, count in enumerate(counts):
            share = count / total if total else 0.0
            box = first.translated(said * first.width(), 0).adjusted(1, 1, -1, -1)
            path = QPainterPath()
            path.addRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
            fill = QColor(mix(colours.card, colours.accent, share * colours.heat_share))
            painter.fillPath(path, fill if share > 0 else QColor(colours.sunken))
            if share >= 0.005:
                style = "caption_bold" if said == truth else "caption"
                words = f"{100 * share:.0f}"
                paint_text(painter, box, words, style, "text", Qt.AlignmentFlag.AlignHCenter)
