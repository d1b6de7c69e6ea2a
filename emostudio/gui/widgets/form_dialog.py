"""The form in a window of its own that pages ask with."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import plain, scrolled
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.note import Note


class FormDialog(QDialog):
    """A title, what it is about, a note, rows of editors with help, and two buttons.

    Parameters
    ----------
    title, text
        What the dialog is for, and what to know before filling it in.
    """

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setModal(True)
        self.resize(720, 600)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(SPACE.xl, SPACE.page, SPACE.xl, SPACE.page)
        self.column.setSpacing(SPACE.m)
        self.column.addWidget(label(title, "section"))
        self.column.addWidget(label(text, "small", "text2", wrap=True))
        self.note = Note()
        self.column.addWidget(self.note)
        self._content = plain()
        self.inner = QVBoxLayout(self._content)
        self.inner.setContentsMargins(0, 0, 0, 0)
        self.inner.setSpacing(SPACE.m)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(SPACE.s)
        self.grid.setVerticalSpacing(SPACE.s)
        self.grid.setColumnStretch(2, 1)
        self.inner.addLayout(self.grid)
        self.column.addWidget(scrolled(self._content), 1)

    def add_row(self, name: str, editor: QWidget, help_text: str) -> None:
        """Add an editor with its name before it and its help behind it."""
        row = self.grid.rowCount()
        title = label(name, "body")
        title.setFixedWidth(SPACE.label_column)
        title.setBuddy(editor)
        editor.setAccessibleName(name)
        theme().set_font(editor, "body")
        self.grid.addWidget(title, row, 0)
        self.grid.addWidget(editor, row, 1)
        self.grid.addWidget(label(help_text, "small", "text3", wrap=True), row, 2)

    def add_buttons(self, action: str) -> None:
        """Add the last line: why not, Cancel, and the button that calls `finish`."""
        self.inner.addStretch(1)
        row = QHBoxLayout()
        self.why_not = label("", "small", "bad")
        row.addWidget(self.why_not, 1)
        self.cancel = button(self.tr("Cancel"), on_click=self.reject)
        row.addWidget(self.cancel)
        self.ok = button(action, "primary", on_click=self.finish)
        row.addWidget(self.ok)
        self.column.addLayout(row)

    def finish(self) -> None:
        """Do what the dialog is for; every dialog says what."""
        raise NotImplementedError
