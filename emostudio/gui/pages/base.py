"""What all pages have in common."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import PageHeader
from emostudio.gui.widgets.note import Note
from emostudio.qt.studio import Studio


class Page(QWidget):
    """A header, notes below it, and a body; shows fresh data whenever it is looked at.

    Subclasses fill `body` (a QVBoxLayout), override `refresh` and, if they can be gone to with an
    argument, `open`. Connect studio signals to `mark_stale`: the page is refreshed at once when
    it is visible and else when it is shown next.

    Signals
    -------
    go
        The user wants another page: its key and an argument for its `open`.
    """

    go = Signal(str, object)

    def __init__(self, studio: Studio, title: str) -> None:
        super().__init__()
        self.setProperty("kind", "page")
        self.studio = studio
        self.header = PageHeader(title)
        self.note = Note(is_passing=True)
        self._is_stale = True
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(SPACE.page, 0, SPACE.page, SPACE.l)
        self.body.setSpacing(SPACE.m)
        self.body.addWidget(self.note)
        column.addLayout(self.body, 1)

    def open(self, argument: object) -> None:
        """Show what another page asked for; None means nothing special."""

    def refresh(self) -> None:
        """Read the workspace again and show it."""

    def leave(self) -> None:
        """Another page is shown now, or the window closes."""

    def mark_stale(self, *_: object) -> None:
        """Refresh now if visible, or else when shown."""
        if self.isVisible():
            self._is_stale = False
            self.refresh()
        else:
            self._is_stale = True

    def showEvent(self, event: QShowEvent) -> None:
        """Refresh what changed while the page was hidden."""
        super().showEvent(event)
        if self._is_stale:
            self._is_stale = False
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Good news belongs to what was just done here: it is gone on the way back."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.note.put_away_good_news()
