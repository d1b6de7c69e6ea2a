"""The list of a wizard's steps, each with the choice made; clicking goes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE

StepState = Literal["done", "current", "todo"]

_DISC = 24
_ROW = 60


@dataclass(frozen=True)
class StepLook:
    """What one step shows."""

    key: str
    title: str
    choice: str = ""
    state: StepState = "todo"
    is_open: bool = True
    """Whether it can be gone to."""


class StepRail(QWidget):
    """Numbered discs joined by a line.

    Signals
    -------
    step_clicked
        Key of the step.
    """

    step_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self.setAccessibleName(self.tr("Steps"))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, SPACE.xs, 0, 0)
        self._column.setSpacing(0)
        self._buttons: dict[str, _StepButton] = {}

    def show_steps(self, steps: Sequence[StepLook]) -> None:
        """Show these steps, in order."""
        if list(self._buttons) != [step.key for step in steps]:
            self._rebuild(steps)
        for number, step in enumerate(steps, start=1):
            button = self._buttons[step.key]
            following = steps[number].state if number < len(steps) else None
            button.show_look(step, number, following)

    def _rebuild(self, steps: Sequence[StepLook]) -> None:
        for button in self._buttons.values():
            button.deleteLater()
        self._buttons = {}
        for step in steps:
            button = _StepButton()
            button.clicked.connect(lambda _=False, key=step.key: self.step_clicked.emit(key))
            self._column.addWidget(button)
            self._buttons[step.key] = button


class _StepButton(QAbstractButton):
    def __init__(self) -> None:
        super().__init__()
        self._look = StepLook("", "")
        self._number = 1
        self._following: StepState | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(round(_ROW * theme().scale))
        theme().changed.connect(self.update)

    def show_look(self, look: StepLook, number: int, following: StepState | None) -> None:
        self._look, self._number, self._following = look, number, following
        self.setText(look.title)
        state = {"done": self.tr("done"), "current": self.tr("current")}.get(look.state, "")
        self.setAccessibleName(", ".join(part for part in (look.title, look.choice, state) if part))
        self.setToolTip(look.choice)
        self.setEnabled(look.is_open)
        shape = Qt.CursorShape.PointingHandCursor if look.is_open else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, round(_ROW * theme().scale))

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(4 + _DISC / 2, 4 + _DISC / 2)
        self._paint_line(painter, centre)
        self._paint_disc(painter, centre)
        left = 4 + _DISC + 10
        width = self.width() - left
        look = self._look
        style = "body_bold" if look.state == "current" else "body_medium"
        token = "text2" if look.state == "todo" else "text"
        paint_text(painter, QRectF(left, 1, width, 19), look.title, style, token)
        paint_text(painter, QRectF(left, 19, width, 16), look.choice, "caption", "text2")

    def _paint_line(self, painter: QPainter, centre: QPointF) -> None:
        colours = theme().colours
        token = colours.accent if self._look.state == "done" else colours.line2
        painter.setPen(QPen(QColor(token), 2))
        if self._number > 1:
            came = colours.accent if self._look.state != "todo" else colours.line2
            painter.save()
            painter.setPen(QPen(QColor(came), 2))
            painter.drawLine(QPointF(centre.x(), 0), centre)
            painter.restore()
        if self._following is not None:
            painter.drawLine(centre, QPointF(centre.x(), self.height()))

    def _paint_disc(self, painter: QPainter, centre: QPointF) -> None:
        colours = theme().colours
        state = self._look.state
        if state == "current":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
        elif state == "done":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_soft))
        else:
            painter.setPen(QPen(QColor(colours.ctl), 1.5))
            painter.setBrush(QColor(colours.card))
        painter.drawEllipse(centre, _DISC / 2 - 1, _DISC / 2 - 1)
        if state == "done":
            place = QPointF(centre.x() - 8, centre.y() - 8)
            tick = theme().pixmap("check", "accent_text", 16, self.devicePixelRatioF())
            painter.drawPixmap(place, tick)
            return
        painter.setFont(theme().font("small_bold"))
        painter.setPen(theme().colour("on_accent" if state == "current" else "text2"))
        box = QRectF(centre.x() - 12, centre.y() - 12, 24, 24)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self._number))
