"""Cards, rules, headers of pages, notes and empty states."""

from __future__ import annotations

from html import escape
from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.labels import ElidedLabel, IconLabel, label, polish, set_shown, set_tone


def rule() -> QFrame:
    """Return a one-pixel line between parts of a card."""
    made = QFrame()
    made.setProperty("kind", "rule")
    made.setFixedHeight(1)
    return made


def plain() -> QWidget:
    """Return a widget without background."""
    made = QWidget()
    made.setProperty("kind", "plain")
    return made


def clear(layout: QBoxLayout) -> None:
    """Remove and delete everything in a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif isinstance(item.layout(), QBoxLayout):
            clear(item.layout())  # type: ignore[arg-type]  # checked on the line above


class _Scrolled(QScrollArea):
    """Takes the focus, so that keys can scroll it, but only while there is more than is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().rangeChanged.connect(self._on_range)

    def _on_range(self, _least: int, most: int) -> None:
        policy = Qt.FocusPolicy.StrongFocus if most > 0 else Qt.FocusPolicy.NoFocus
        self.setFocusPolicy(policy)
        if most > 0:
            self.setAccessibleName(self._title() or self.tr("More, scrolls up and down"))

    def _title(self) -> str:
        step = self.parentWidget()
        while step is not None and not isinstance(step, Card):
            step = step.parentWidget()
        return (step.title.text() or step.accessibleName()) if step is not None else ""


def scrolled(content: QWidget) -> QScrollArea:
    """Return `content` in a frame that scrolls up and down when the window is too small."""
    area = _Scrolled()
    if not content.property("kind"):
        content.setProperty("kind", "plain")
    area.setWidget(content)
    return area


class Card(QFrame):
    """A surface with a title line and content in `body`.

    Put widgets into `body` (a QVBoxLayout); a state or one small action goes to the right of the
    title with `set_state` and `add_action`.
    """

    def __init__(self, title: str = "", subtitle: str = "") -> None:
        super().__init__()
        self.setProperty("kind", "card")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.m)
        outer.setSpacing(SPACE.s)
        self._head = QHBoxLayout()
        self._head.setSpacing(SPACE.s)
        self.title = label(title, "card")
        self.subtitle = label(subtitle, "small", "text3")
        set_shown(self.subtitle, bool(subtitle))
        self._state = label("", "small", "text2")
        self._state.hide()
        self._state_icon = IconLabel("warning", "warn", 16)
        self._state_icon.hide()
        self._head.addWidget(self.title)
        self._head.addWidget(self.subtitle)
        self._head.addStretch(1)
        self._head.addWidget(self._state_icon)
        self._head.addWidget(self._state)
        if title:
            outer.addLayout(self._head)
        else:
            self.title.setParent(self)
            self.subtitle.setParent(self)
            self._state.setParent(self)
            self._state_icon.setParent(self)
            self.title.hide()
        self.body = QVBoxLayout()
        self.body.setSpacing(SPACE.s)
        outer.addLayout(self.body, 1)

    def set_title(self, title: str, subtitle: str = "") -> None:
        """Change title and the grey words behind it."""
        self.title.setText(title)
        self.subtitle.setText(subtitle)
        set_shown(self.subtitle, bool(subtitle))

    def set_state(self, text: str, tone: str = "text2", icon: str = "") -> None:
        """Say at the right of the title how things stand; empty hides it.

        With an `icon` the tone is its own, and the words stay quiet.
        """
        self._state.setText(text)
        set_shown(self._state, bool(text))
        set_tone(self._state, "text2" if icon else tone)
        set_shown(self._state_icon, bool(text and icon))
        if icon:
            self._state_icon.set_icon(icon, tone)

    def add_action(self, widget: QWidget) -> None:
        """Put a small action at the right of the title."""
        self._head.addWidget(widget)


class PageHeader(QWidget):
    """Title or "Parent > name", one line of facts, and at most three actions at the right."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self.setFixedHeight(SPACE.header)
        self._page = title
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE.page, 0, SPACE.page, 0)
        row.setSpacing(SPACE.s)
        self._parent = label(title, "title", "text3")
        self._chevron = IconLabel("chevron-right", "text3", 16)
        self._title = label(title, "title")
        self.facts = ElidedLabel("", "small", "text2")
        for widget in (self._parent, self._chevron, self._title):
            row.addWidget(widget)
        row.addSpacing(SPACE.xs)
        row.addWidget(self.facts, 1)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(SPACE.s)
        row.addLayout(self._actions)
        self.set_name("")

    def set_name(self, name: str) -> None:
        """Show "Page > name", or only the page for an empty name."""
        set_shown(self._parent, bool(name))
        set_shown(self._chevron, bool(name))
        self._title.setText(name or self._page)

    def set_facts(self, facts: str) -> None:
        """Show one line of facts behind the title."""
        self.facts.setText(facts)

    def add_action(self, widget: QWidget) -> None:
        """Add a button (or any control) at the right; the primary one comes last."""
        self._actions.addWidget(widget)


Tone = Literal["ok", "info", "warn", "bad"]

_NOTE_ICONS = {"ok": "check", "info": "info", "warn": "warning", "bad": "error"}


OK_SECONDS = 8.0
"""Good news has been read by then; errors and warnings stay until they are closed."""


class Note(QFrame):
    """Bold cause, plain consequence, one remedy; stands in the flow and collapses when gone.

    One that `is_passing` speaks of an event, not of a state: it can be closed, and good news goes
    by itself.
    """

    acted = Signal()

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


class EmptyState(QWidget):
    """What to do where there is nothing yet: icon, one sentence, one action, one link."""

    acted = Signal()
    link_clicked = Signal()

    def __init__(self, icon: str, sentence: str, action: str = "", link: str = "") -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        column = QVBoxLayout(self)
        column.setSpacing(SPACE.m)
        column.addStretch(1)
        column.addWidget(IconLabel(icon, "text3", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        self.sentence = label(sentence, "body", "text2", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.sentence)
        if action:
            self.button = button(action, "primary", on_click=self.acted.emit)
            column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        if link:
            self.link = button(link, "link", on_click=self.link_clicked.emit)
            column.addWidget(self.link, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)


def fact(name: str) -> tuple[QWidget, QLabel]:
    """Return a small column "name over value" and the label of the value."""
    holder = plain()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(1)
    column.addWidget(label(name, "caption", "text2"))
    value_label = label("", "body_bold")
    column.addWidget(value_label)
    return holder, value_label
