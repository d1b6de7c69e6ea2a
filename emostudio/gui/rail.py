"""The navigation rail: icons over names, beside names in wide windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CARD, SPACE
from emostudio.gui.widgets.labels import IconLabel


@dataclass(frozen=True)
class RailEntry:
    """A page on the rail: its key, name, icon, and the digit that opens it."""

    key: str
    text: str
    icon: str
    digit: str = ""


class RailButton(QAbstractButton):
    """One page."""

    def __init__(self, entry: RailEntry) -> None:
        super().__init__()
        self.entry = entry
        self.count = 0
        self.is_wide = False
        self.setText(entry.text)
        self.setAccessibleName(entry.text)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(f"{entry.text}  {entry.digit}".strip())
        theme().set_font(self, "caption_medium")

    def sizeHint(self) -> QSize:
        """Ask for the room of icon and name."""
        if self.is_wide:
            return QSize(round(SPACE.rail_wide * theme().scale) - 16, round(40 * theme().scale))
        return QSize(round(SPACE.rail * theme().scale) - 18, round(30 + 24 * theme().scale))

    def set_count(self, count: int) -> None:
        """Show a number beside the icon, 0 for none."""
        if count != self.count:
            self.count = count
            running = self.tr("{0}, {1} running").format(self.entry.text, count)
            self.setAccessibleName(running if count else self.entry.text)
            self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover colour."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the hover colour away."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw pill, icon, name and number."""
        del event
        colours = theme().colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(QColor(colours.accent_soft if self.isChecked() else colours.line))
            painter.drawRoundedRect(QRectF(self.rect()), RADIUS_CARD, RADIUS_CARD)
        token = "accent_text" if self.isChecked() else "text2"
        size = 20 if self.is_wide else 22
        x = 12 if self.is_wide else (self.width() - size) // 2
        y = (self.height() - size) // 2 if self.is_wide else 7
        painter.drawPixmap(
            x, y, theme().pixmap(self.entry.icon, token, size, self.devicePixelRatioF())
        )
        painter.setFont(theme().font("small_medium" if self.is_wide else "caption_medium"))
        painter.setPen(QColor(getattr(colours, token)))
        if self.is_wide:
            rest = self.rect().adjusted(44, 0, -12, 0)
            painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, self.text())
            painter.setPen(QColor(colours.text3))
            side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(rest, side, self.entry.digit)
        else:
            rest = self.rect().adjusted(0, 30, 0, -4)
            painter.drawText(rest, Qt.AlignmentFlag.AlignCenter, self.text())
        if self.count:
            self._paint_count(painter, x + size, y)

    def _paint_count(self, painter: QPainter, x: int, y: int) -> None:
        font = theme().font("caption_bold")
        text = str(self.count)
        width = max(16, QFontMetrics(font).horizontalAdvance(text) + 8)
        box = QRectF(x - 8, y - 4, width, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().colours.accent))
        painter.drawRoundedRect(box, 8, 8)
        painter.setFont(font)
        painter.setPen(QColor(theme().colours.on_accent))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class Rail(QWidget):
    """All pages, settings at the bottom."""

    chosen = Signal(str)

    def __init__(self, entries: Sequence[RailEntry], last: RailEntry) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Pages"))
        self._buttons: dict[str, RailButton] = {}
        self._group = QButtonGroup(self)
        self._is_wide = False
        self._column = QVBoxLayout(self)
        self._column.setSpacing(4)
        self._column.addWidget(IconLabel("app_icon", "text", 30), 0, Qt.AlignmentFlag.AlignHCenter)
        self._column.addSpacing(8)
        for entry in entries:
            self._add(entry)
        self._column.addStretch(1)
        self._add(last)
        self.set_wide(is_wide=False)
        # A bound method, not a lambda: Qt drops the connection when the rail is deleted.
        theme().changed.connect(self._resize)

    def _add(self, entry: RailEntry) -> None:
        made = RailButton(entry)
        made.clicked.connect(lambda _=False, key=entry.key: self.chosen.emit(key))
        self._group.addButton(made)
        self._buttons[entry.key] = made
        self._column.addWidget(made, 0, Qt.AlignmentFlag.AlignHCenter)

    def select(self, key: str) -> None:
        """Show a page as the current one."""
        self._buttons[key].setChecked(True)

    def button(self, key: str) -> RailButton:
        """Return a page's button."""
        return self._buttons[key]

    def set_wide(self, *, is_wide: bool) -> None:
        """Put names beside icons, or below them."""
        self._is_wide = is_wide
        self._resize()

    def _resize(self) -> None:
        width = SPACE.rail_wide if self._is_wide else SPACE.rail
        self.setFixedWidth(round(width * theme().scale))
        self._column.setContentsMargins(0, 15, 0, 8)
        for made in self._buttons.values():
            made.is_wide = self._is_wide
            made.setFixedSize(made.sizeHint())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rail's surface."""
        del event
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().colours.rail))
        line = QRectF(self.width() - 1, 0, 1, self.height())
        painter.fillRect(line, QColor(theme().colours.line))
