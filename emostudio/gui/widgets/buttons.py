"""Buttons and segmented choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QPushButton, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL

Kind = Literal["default", "primary", "small", "warn", "ghost", "link", "icon"]

_TOKENS = {"primary": "on_accent", "ghost": "text2", "link": "accent_text", "warn": "warn"}
_SMALL = frozenset({"small", "link", "warn"})


def button(
    text: str,
    kind: Kind = "default",
    icon: str = "",
    on_click: Callable[[], object] | None = None,
) -> QPushButton:
    """Return a push button; buttons say what they do with a verb."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setAutoDefault(False)
    theme().set_font(made, "small_medium" if kind in _SMALL else "body_medium")
    if icon:
        theme().set_icon(made, icon, _TOKENS.get(kind, "text"), 14 if kind in _SMALL else 16)
    if on_click is not None:
        made.clicked.connect(lambda _checked=False: on_click())
    return made


def icon_button(icon: str, name: str, on_click: Callable[[], object] | None = None) -> QPushButton:
    """Return a button that is only an icon; `name` is its accessible name and tooltip."""
    made = button("", "icon", "", on_click)
    theme().set_icon(made, icon, "text2")
    made.setAccessibleName(name)
    made.setToolTip(name)
    return made


class _Segment(QAbstractButton):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme().set_font(self, "small_medium")

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self.text()) + 24, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        colours = theme().colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.isChecked():
            dark = theme().name == "dark"
            painter.setBrush(QColor(colours.line2 if dark else colours.card))
            painter.setPen(QPen(QColor(colours.line2), 1) if not dark else Qt.PenStyle.NoPen)
            box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(box, RADIUS_CONTROL - 1, RADIUS_CONTROL - 1)
        painter.setFont(self.font())
        painter.setPen(QColor(colours.text if self.isChecked() else colours.text2))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class Segmented(QWidget):
    """One of a few: a small set of choices side by side."""

    chosen = Signal(str)

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        """Show `options` as (key, text)."""
        super().__init__()
        self._group = QButtonGroup(self)
        self._keys: dict[str, _Segment] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        for key, text in options:
            segment = _Segment(text)
            self._group.addButton(segment)
            self._keys[key] = segment
            row.addWidget(segment)
            segment.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
        self.set_current(options[0][0])
        self.setFixedHeight(28)
        theme().changed.connect(self.update)

    def set_text(self, key: str, text: str) -> None:
        """Rename a choice."""
        self._keys[key].setText(text)
        self._keys[key].updateGeometry()

    def current(self) -> str:
        """Return the key of the choice."""
        return next((key for key, segment in self._keys.items() if segment.isChecked()), "")

    def set_current(self, key: str) -> None:
        """Choose without saying so."""
        self._keys[key].setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the well that the segments lie in."""
        del event
        colours = theme().colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.sunken if theme().name == "dark" else colours.line))
        painter.drawRoundedRect(QRectF(self.rect()), RADIUS_CONTROL, RADIUS_CONTROL)
