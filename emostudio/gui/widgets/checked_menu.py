"""A button whose menu holds check marks and stays open while they are set."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.widgets.buttons import Kind, button


class CheckedMenu(QWidget):
    """Choose some of a list.

    Signals
    -------
    chosen
        The keys that are checked now, in the order of the list.
    """

    chosen = Signal(tuple)

    def __init__(self, text: str, icon: str = "", kind: Kind = "default") -> None:
        super().__init__()
        self.button: QPushButton = button(text, kind, icon, self.open)
        self.button.setParent(self)
        self._menu = QMenu(self)
        self._menu.installEventFilter(self)
        self._actions: dict[str, QAction] = {}
        self._least = 0
        theme().set_font(self._menu, "body")
        self.setFocusProxy(self.button)
        self.setFixedSize(self.button.sizeHint())

    def set_text(self, text: str) -> None:
        """Change the words on the button."""
        self.button.setText(text)
        self.button.adjustSize()
        self.setFixedSize(self.button.sizeHint())

    def set_options(
        self, options: Sequence[tuple[str, str]], checked: Sequence[str], least: int = 0
    ) -> None:
        """Offer (key, text) pairs; at least `least` of them stay checked."""
        self._menu.clear()
        self._least = least
        self._actions = {}
        for key, text in options:
            action = self._menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(key in checked)
            self._actions[key] = action

    def checked(self) -> tuple[str, ...]:
        """Return the checked keys in order."""
        return tuple(key for key, action in self._actions.items() if action.isChecked())

    def toggle(self, key: str) -> None:
        """Check or uncheck one key, as a click on it does."""
        action = self._actions[key]
        if action.isChecked() and len(self.checked()) <= self._least:
            return
        action.setChecked(not action.isChecked())
        self.chosen.emit(self.checked())

    def open(self) -> None:
        """Show the menu under the button."""
        self._menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the menu open while check marks are set."""
        del watched
        action: QAction | None = None
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease:
            action = self._menu.actionAt(event.position().toPoint())
        elif (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in {Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}
        ):
            action = self._menu.activeAction()
        for key, known in self._actions.items():
            if known is action:
                self.toggle(key)
                return True
        return False
