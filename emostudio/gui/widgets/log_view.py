"""The text of a log that may still grow."""

from __future__ import annotations

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from emostudio.gui.theme import theme


class LogView(QPlainTextEdit):
    """Follows the end of a log, unless its reader has scrolled up or selected something."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setAccessibleName(self.tr("Log"))
        # What was given, not what Qt made of it: it changes line ends and odd spaces.
        self._shown = ("", "")

    def show_log(self, run_id: str, text: str) -> None:
        """Show a run's log; where it only grew, the reader's place and selection stay."""
        run_before, before = self._shown
        if (run_id, text) == self._shown:
            return
        self._shown = (run_id, text)
        self.setFont(theme().mono())
        bar = self.verticalScrollBar()
        place = bar.value()
        follows = run_id != run_before or place == bar.maximum()
        if run_id == run_before and before and text.startswith(before):
            end = QTextCursor(self.document())
            end.movePosition(QTextCursor.MoveOperation.End)
            end.insertText(text[len(before) :])
        else:
            self.setPlainText(text)
        bar.setValue(bar.maximum() if follows else place)
