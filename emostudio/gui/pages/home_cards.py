"""The cards of the home page."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Kind, button
from emostudio.gui.widgets.card import Card, plain
from emostudio.gui.widgets.labels import (
    IconLabel,
    label,
)


class ActionCard(Card):
    """An icon, what it is, one sentence, and the button that does it."""

    acted = Signal()

    def __init__(
        self, icon: str, title: str, text: str, action: str, keys: str, kind: Kind = "default"
    ) -> None:
        super().__init__()
        self.row = QHBoxLayout()
        self.row.setSpacing(SPACE.xl)
        column = QVBoxLayout()
        column.setSpacing(SPACE.xs)
        head = QHBoxLayout()
        head.addWidget(IconLabel(icon, "accent_text", 22))
        head.addStretch(1)
        key = label(keys, "caption_medium", "text2")
        key.setProperty("kind", "keycap")
        head.addWidget(key)
        column.addLayout(head)
        column.addSpacing(SPACE.xs)
        column.addWidget(label(title, "section"))
        column.addWidget(label(text, "small", "text2", wrap=True))
        column.addStretch(1)
        self.button = button(action, kind, "play" if kind == "primary" else "", self.acted.emit)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        holder = plain()
        holder.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        self.row.addWidget(holder, 1)
        self.body.addLayout(self.row)
