"""Images per class and split as stacked bars."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen

from emostudio.gui.charts.canvas import Chart
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import mix

_ROW = 19
_NAMES = 84
_NUMBERS = 60
SPLITS = ("train", "validation", "test")


class SplitBars(Chart):
    """One bar per class: train filled, validation pale, test outlined; the count at the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Images per class and split"))
        self._counts: dict[str, dict[str, int]] = {}
        self._labels: tuple[str, ...] = ()

    def show_counts(self, counts: dict[str, dict[str, int]], labels: tuple[str, ...]) -> None:
        """Draw `counts[split][label]`."""
        self._counts = counts
        has_unlabelled = any("unlabelled" in split for split in counts.values())
        self._labels = labels + (("unlabelled",) if has_unlabelled else ())
        self.setMinimumHeight(self.sizeHint().height())
        words = (f"{name} {self._total(name):,}" for name in self._labels)
        self.describe(", ".join(words))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Ask for one row per class and the key."""
        return QSize(260, round((_ROW * len(self._labels) + 26) * theme().scale))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bars and key."""
        del event
        if not self._labels:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        step = (self.height() - 26) / len(self._labels)
        most = max((self._total(name) for name in self._labels), default=1) or 1
        room = self.width() - _NAMES - _NUMBERS
        for row, name in enumerate(self._labels):
            y = row * step
            left = QRectF(0, y, _NAMES - 6, step)
            paint_text(painter, left, name.capitalize(), "small", "text")
            x = float(_NAMES)
            for split in SPLITS:
                count = self._counts.get(split, {}).get(name, 0)
                width = room * count / most
                if count:
                    box = QRectF(x, y + step / 2 - 5.5, max(2.0, width - 2), 11)
                    self._paint_part(painter, box, split)
                x += width
            number = QRectF(self.width() - _NUMBERS, y, _NUMBERS - 4, step)
            right = Qt.AlignmentFlag.AlignRight
            paint_text(painter, number, f"{self._total(name):,}", "small", "text2", right)
        self._paint_key(painter)

    def _paint_part(self, painter: QPainter, box: QRectF, split: str) -> None:
        colours = theme().colours
        fills = {
            "train": colours.accent,
            "validation": mix(colours.card, colours.accent, 0.38),
            "test": colours.card,
        }
        painter.setPen(QPen(QColor(colours.accent), 1))
        painter.setBrush(QColor(fills[split]))
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_key(self, painter: QPainter) -> None:
        x, y = 0.0, self.height() - 18.0
        for split in SPLITS:
            total = sum(self._counts.get(split, {}).values())
            text = f"{split.capitalize()} {total:,}"
            self._paint_part(painter, QRectF(x, y + 3, 11, 11), split)
            width = metrics("small").horizontalAdvance(text) + 6
            paint_text(painter, QRectF(x + 17, y, width, 18), text, "small", "text2")
            x += width + 32

    def _total(self, name: str) -> int:
        return sum(split.get(name, 0) for split in self._counts.values())
