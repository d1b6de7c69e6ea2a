"""Notes: what happened, what follows, and one remedy."""

from __future__ import annotations

from html import escape
from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
)

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.labels import IconLabel, polish, set_shown

Tone = Literal["ok", "info", "warn", "bad"]

_NOTE_ICONS = {"ok": "check", "info": "info", "warn": "warning", "bad": "error"}


OK_SECONDS = 8.0
"""Good news has been read by then; errors and warnings stay until they are closed."""


class Note(QFrame):
    """Bold cause, plain consequence, one remedy; stands in the flow and collapses when gone.

    One that `is_passing` speaks of an event, not of a state: it can be closed, and good news goes
    by itself.

    Signals
    -------
    acted
        The button of the remedy was pressed.
    changed
        It says something else now, or nothing.
    """

    acted = Signal()
    changed = Signal()

    def __init__(
        self,
        tone: Tone = "info",
        cause: str = "",
        text: str = "",
        *,
        is_passing: bool = False,
    ) -> None:
        super().__init__()
        self._tone: Tone = tone
        self._is_passing = is_passing
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_time)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE.m, SPACE.s, SPACE.m, SPACE.s)
        row.setSpacing(SPACE.s + 2)
        self._icon = IconLabel("info", "info", 16)
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme().set_font(self._text, "small")
        self._button: QPushButton = button("", "small", on_click=self.acted.emit)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        row.addWidget(self._button, 0, Qt.AlignmentFlag.AlignVCenter)
        if is_passing:
            close = icon_button("close", self.tr("Close this note"), self.put_away)
            row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.show_note(tone, cause, text)

    def show_note(self, tone: Tone, cause: str, text: str = "", action: str = "") -> None:
        """Show a message; an empty cause and text hide the note."""
        self.setProperty("note", tone)
        self.setToolTip("")  # what an earlier message left
        icon = "doctor" if tone == "warn" and action else _NOTE_ICONS[tone]
        self._icon.set_icon(icon, tone)
        parts = [
            f'<span style="font-weight:600">{escape(cause)}</span>' if cause else "",
            escape(text).replace("\n", "<br>"),
        ]
        body = " ".join(part for part in parts if part)
        self._text.setText(f'<div style="line-height:135%">{body}</div>')
        self.setAccessibleName(f"{cause} {text}".strip())
        self._button.setText(action)
        set_shown(self._button, bool(action))
        set_shown(self, bool(cause or text))
        polish(self)
        self._tone = tone
        self._timer.stop()
        if self._is_passing and tone == "ok" and (cause or text):
            self._timer.start(round(1000 * OK_SECONDS))
        self.changed.emit()

    def put_away(self) -> None:
        """Show nothing until there is other news."""
        self.show_note(self._tone, "")

    def put_away_good_news(self) -> None:
        """Take away what was only good news; errors and warnings stay."""
        if self._is_passing and self._tone == "ok":
            self.put_away()

    def _on_time(self) -> None:
        # Not from under the pointer or the focus: it may be on the way to the note's button.
        focus = QApplication.focusWidget()
        if self.underMouse() or (focus is not None and self.isAncestorOf(focus)):
            self._timer.start(round(1000 * OK_SECONDS))
        else:
            self.put_away()

    def show_error(self, error: object) -> None:
        """Show a `core.errors.EmoStudioError`, a `core.events.Failed` or any text."""
        what = str(getattr(error, "what", "") or error)
        why = str(getattr(error, "why", ""))
        next_step = str(getattr(error, "next_step", ""))
        rest = " ".join(f"{_capital(part).rstrip('.')}." for part in (why, next_step) if part)
        self.show_note("bad", f"{what.rstrip('.')}.", rest)

    def text(self) -> str:
        """Return what the note says."""
        return self.accessibleName()


def _capital(text: str) -> str:
    # Names of layers and files ("conv2", "a.csv") stay as they are.
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
