"""A ring around whatever has the keyboard focus; style sheets cannot draw outside a widget."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QScrollArea, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CARD

_GAP = 4
_FOLLOWED = {QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Hide, QEvent.Type.Show}


class FocusRing(QWidget):
    """One transparent overlay on a window that follows the focus, also while scrolling."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._target: QWidget | None = None
        self._followed: list[QWidget] = []
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)
        theme().changed.connect(self.update)
        self.hide()

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        del old
        for widget in self._followed:
            widget.removeEventFilter(self)
        self._followed = []
        # A mouse button is down while a click moves the focus; keys leave none down.
        is_mouse = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        window = self._window
        # A page that holds the focus only until its first control gets it needs no ring.
        is_place = new is not None and new.focusPolicy() == Qt.FocusPolicy.NoFocus
        if new is None or is_mouse or is_place or new.window() is not window:
            self._target = None
            self.hide()
            return
        self._target = new
        new.destroyed.connect(self._forget)
        step: QWidget | None = new
        while step is not None and step is not window:
            step.installEventFilter(self)
            self._followed.append(step)
            step = step.parentWidget()
        self._place()

    def put_away(self) -> None:
        """Draw no ring until the focus moves on, after a click that showed another page."""
        self._target = None
        self.hide()

    def _forget(self, gone: QObject) -> None:
        self._followed = [widget for widget in self._followed if widget is not gone]
        if self._target is gone:
            self._target = None
            self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the focused widget."""
        del watched
        if event.type() in _FOLLOWED:
            self._place()
        return False

    def _place(self) -> None:
        target, window = self._target, self._window
        if target is None or not target.isVisible():
            self.hide()
            return
        place = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
        step = target.parentWidget()
        while step is not None and step is not window:
            if isinstance(step, QScrollArea):
                view = step.viewport()
                clip = QRect(view.mapTo(window, QPoint(0, 0)), view.size())
                place = place.intersected(clip)
            step = step.parentWidget()
        if place.isEmpty():
            self.hide()
            return
        # Tables and lists fill their cards; what is only scrolled has its text at the very edge.
        is_full = isinstance(target, QAbstractScrollArea) and not isinstance(target, QScrollArea)
        gap = 0 if is_full else _GAP
        self.setGeometry(place.adjusted(-gap, -gap, gap, gap).intersected(window.rect()))
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme().colours.focus), 2))
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS_CARD, RADIUS_CARD
        )
