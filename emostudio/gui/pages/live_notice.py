"""What everyone should have read before looking at faces live."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.labels import IconLabel, label


class LiveNotice(QWidget):
    """The notice; asked once per workspace.

    Signals
    -------
    accepted
        The user has read it.
    """

    accepted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        card = Card(self.tr("Before you look at faces"))
        card.setMaximumWidth(560)
        for icon, text in self._points():
            row = QHBoxLayout()
            row.setSpacing(SPACE.m)
            row.addWidget(IconLabel(icon, "text2", 20), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(label(text, "body", "text", wrap=True), 1)
            card.body.addLayout(row)
        foot = QHBoxLayout()
        foot.addStretch(1)
        self.accept = button(self.tr("I have read this"), "primary", on_click=self.accepted.emit)
        foot.addWidget(self.accept)
        card.body.addSpacing(SPACE.xs)
        card.body.addLayout(foot)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 4)
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(2)

    def _points(self) -> tuple[tuple[str, str], ...]:
        return (
            ("face", self.tr(
                "The models name facial expressions, not feelings. They are often wrong, and more "
                "often for people unlike those in their training images.")),
            ("info", self.tr(
                "Ask everyone in view first. In the European Union, inferring emotions at work "
                "and in education is prohibited (AI Act, article 5).")),
            ("camera", self.tr(
                "A camera is off until you start it, and off again when you leave this page. "
                "Nothing is stored and nothing leaves this machine.")),
        )  # fmt: skip
