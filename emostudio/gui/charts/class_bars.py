"""Accuracy by class of one variant against the baseline, in points."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from emostudio.core.answers import EvaluationResult
from emostudio.core.units import signed
from emostudio.gui.charts.canvas import Chart
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.workspace.charts.recalls import ClassChange, class_changes

_LOWEST_ROW = 16
_NAMES, _GAP = 92.0, 6.0


class ClassBars(Chart):
    """One bar per class: right of the middle better than the baseline, left of it worse.

    A bar has a colour only where its interval excludes no change.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Accuracy by class, points against the baseline"))
        self._rows: tuple[ClassChange, ...] = ()

    def show_results(self, variant: EvaluationResult, baseline: EvaluationResult) -> None:
        """Draw the classes that both results have."""
        self._rows = class_changes(variant, baseline)
        self.setMinimumHeight(_LOWEST_ROW * len(self._rows))
        self.setToolTip(
            self.tr(
                "95 % intervals for independent shares (Newcombe); coloured where they exclude 0"
            )
        )
        self.describe(", ".join(_in_words(row) for row in self._rows))

    def paintEvent(self, _event: object) -> None:
        """Paint names, bars from the middle, intervals and values."""
        if not self._rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        numbers = max(metrics("small_bold").horizontalAdvance(signed(r.points)) for r in self._rows)
        room = max(self.width() - _NAMES - numbers - _GAP, 20.0)
        height = min(self.height() / len(self._rows), 32.0)
        middle = _NAMES + room / 2
        scale = room / 2 / max(1.0, *(abs(end) for row in self._rows for end in row.interval))
        for place, row in enumerate(self._rows):
            line = QRectF(0, place * height, self.width(), height)
            paint_text(painter, line.adjusted(0, 0, _NAMES - 4 - line.width(), 0),
                       row.name.capitalize(), "small", "text")  # fmt: skip
            _paint_change(painter, line.center().y(), row, (middle, scale))
            paint_text(painter, line, signed(row.points), "small_bold", "text",
                       Qt.AlignmentFlag.AlignRight)  # fmt: skip
        painter.setPen(QPen(theme().colour("line2"), 1))
        painter.drawLine(QPointF(middle, 0), QPointF(middle, height * len(self._rows)))
        painter.end()


def _paint_change(
    painter: QPainter, y: float, row: ClassChange, scale: tuple[float, float]
) -> None:
    middle, pixels = scale
    token = "text3" if not row.is_clear else "ok" if row.points > 0 else "bad"
    width = row.points * pixels
    painter.fillRect(QRectF(middle, y - 4, width, 8).normalized(), theme().colour(token))
    low, high = (middle + pixels * end for end in row.interval)
    painter.setPen(QPen(theme().colour("text"), 1.5))
    painter.drawLine(QPointF(low, y), QPointF(high, y))


def _in_words(row: ClassChange) -> str:
    low, high = (signed(end) for end in row.interval)
    return f"{row.name.capitalize()} {signed(row.points)} ({low} to {high})"
