"""Cards, rules, headers of pages and empty states."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.labels import ElidedLabel, IconLabel, label, set_shown, set_tone


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
