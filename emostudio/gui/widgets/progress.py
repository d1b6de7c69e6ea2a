"""Progress that moves only when the work does."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.labels import ElidedLabel, IconLabel, label, set_shown, set_tone


class ThinBar(QWidget):
    """A four-pixel bar; a fraction of None shows only the groove."""

    def __init__(self) -> None:
        super().__init__()
        self._fraction: float | None = None
        self._token = "accent"
        self.setFixedHeight(SPACE.progress)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def set_fraction(self, fraction: float | None, token: str = "accent") -> None:
        """Move the bar to a share in [0, 1]."""
        self._fraction, self._token = fraction, token
        percent = "" if fraction is None else f"{100 * fraction:.0f} %"
        self.setAccessibleName(percent)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw groove and bar."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        box = QRectF(self.rect())
        painter.setBrush(theme().colour("line2" if theme().name == "dark" else "line"))
        painter.drawRoundedRect(box, 2, 2)
        if self._fraction:
            painter.setBrush(QColor(getattr(theme().colours, self._token)))
            box.setWidth(max(4.0, box.width() * min(1.0, self._fraction)))
            painter.drawRoundedRect(box, 2, 2)


class ProgressRow(QWidget):
    """State icon, name, bar, what happens now at the left and time left at the right."""

    def __init__(self, *, with_icon: bool = True) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.s)
        self._icon = IconLabel("clock", "text2", 16)
        set_shown(self._icon, with_icon)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(3)
        first, last = QHBoxLayout(), QHBoxLayout()
        self.name = ElidedLabel("", "body_medium")
        first.addWidget(self.name, 1)
        self._bar = ThinBar()
        self.message = ElidedLabel("", "small", "text2")
        self.right = label("", "small", "text2")
        last.addWidget(self.message, 1)
        last.addWidget(self.right)
        column.addLayout(first)
        column.addWidget(self._bar)
        column.addLayout(last)
        row.addLayout(column, 1)

    def set_state(self, icon: str, token: str) -> None:
        """Show the state's icon."""
        self._icon.set_icon(icon, token)

    def show_progress(
        self, name: str, fraction: float | None, message: str, right: str = "", tone: str = "text2"
    ) -> None:
        """Show how far a job is."""
        self.name.setText(name)
        self.message.setText(message)
        set_tone(self.message, tone)
        self.right.setText(right)
        self._bar.set_fraction(fraction, "warn" if tone == "warn" else "accent")
