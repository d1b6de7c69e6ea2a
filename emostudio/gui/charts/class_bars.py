"""Accuracy by class of one variant against the baseline, in points."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from emostudio.core.answers import EvaluationResult
from emostudio.gui.charts.canvas import Chart, paint_text
from emostudio.gui.theme import theme

_LOWEST_ROW = 16


class ClassBars(Chart):
    """One bar per class: right of the middle better than the baseline, left of it worse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("Accuracy by class, points against the baseline"))
        self._rows: tuple[tuple[str, float], ...] = ()

    def show_results(self, variant: EvaluationResult, baseline: EvaluationResult) -> None:
        """Draw the classes that both results have."""
        before = recalls(baseline)
        now = recalls(variant)
        self._rows = tuple(
            (name.capitalize(), 100 * (share - before[name]))
            for name, share in now.items()
            if name in before
        )
        self.setMinimumHeight(_LOWEST_ROW * len(self._rows))
        self.describe(", ".join(f"{name} {value:+.1f}" for name, value in self._rows))

    def paintEvent(self, _event: object) -> None:
        """Paint names, bars from the middle, and values."""
        if not self._rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(92, 0, max(self.width() - 92 - 64, 20), self.height())
        most = max(1.0, *(abs(value) for _, value in self._rows))
        height = min(area.height() / len(self._rows), 32.0)
        middle = area.center().x()
        for place, (name, value) in enumerate(self._rows):
            top = place * height
            paint_text(painter, QRectF(0, top, 88, height), name, "small", "text")
            width = abs(value) / most * area.width() / 2
            left = middle if value >= 0 else middle - width
            token = "ok" if value > 0 else "bad"
            bar = QRectF(left, top + height / 2 - 4, width, 8)
            painter.fillRect(bar, theme().colour(token))
            paint_text(
                painter,
                QRectF(area.right(), top, 62, height),
                f"{'− ' if value < 0 else '+ ' if value > 0 else ''}{abs(value):.1f}",
                "small_bold",
                "text",
                Qt.AlignmentFlag.AlignRight,
            )
        painter.setPen(QPen(theme().colour("line2"), 1))
        painter.drawLine(QPointF(middle, 0), QPointF(middle, height * len(self._rows)))
        painter.end()


def recalls(result: EvaluationResult) -> dict[str, float]:
    """Return the share of each true class that was named rightly; classes without images lack."""
    shares: dict[str, float] = {}
    for place, (name, counts) in enumerate(zip(result.labels, result.confusion, strict=False)):
        total = _total(counts)
        if total:
            shares[str(name)] = counts[place] / total
    return shares


def _total(counts: Sequence[int]) -> int:
    return sum(counts)
