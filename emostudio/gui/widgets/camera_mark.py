"""The red mark that a camera is open; seen on the Live page and in the status bar."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.labels import label


class Lamp(QWidget):
    """A lit red lamp; it does not blink."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(16, 16)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lamp with its halo."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        halo = QColor(theme().colour("bad"))
        halo.setAlpha(70)
        centre = QPointF(8, 8)
        painter.setBrush(halo)
        painter.drawEllipse(centre, 7, 7)
        painter.setBrush(theme().colour("bad"))
        painter.drawEllipse(centre, 4.5, 4.5)


class CameraMark(QFrame):
    """Lamp, "Camera on", and what happens to the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("note", "bad")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE.s, 0, SPACE.m, 0)
        row.setSpacing(SPACE.xs + 2)
        self._on = label(self.tr("Camera on"), "small_bold", "bad")
        self._kept = label(self.tr("Nothing is stored"), "small", "text2")
        row.addWidget(Lamp())
        row.addWidget(self._on)
        row.addWidget(self._kept)
        self.setFixedHeight(SPACE.control)
        self.setAccessibleName(f"{self._on.text()}. {self._kept.text()}")
