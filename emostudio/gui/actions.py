"""One table of commands: id, text, shortcuts, callable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class Command:
    """Something the user can do from anywhere."""

    id: str
    text: str
    shortcuts: tuple[str, ...]
    run: Callable[[], object]


def install(window: QWidget, commands: Sequence[Command]) -> dict[str, QAction]:
    """Give a window its commands; returns the actions by id."""
    actions = {}
    for command in commands:
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in command.shortcuts])
        action.triggered.connect(lambda _=False, run=command.run: run())
        window.addAction(action)
        actions[command.id] = action
    return actions
