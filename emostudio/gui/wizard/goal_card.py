"""A size to stay under, checked against the prediction."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.labels import IconLabel, label, set_tone
from emostudio.gui.widgets.settings_field import Rule

_RULE = Rule("goal", {"type": "number", "exclusiveMinimum": 0, "maximum": 100_000}, {})


class GoalCard(Card):
    """One optional goal; nothing is searched for, only checked.

    Signals
    -------
    goal_changed
        Megabytes, or None.
    """

    goal_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__(self.tr("Goal check"))
        outer = self.layout()
        if outer is not None:
            outer.setContentsMargins(SPACE.m, SPACE.m, SPACE.m, SPACE.m)
        row = QHBoxLayout()
        row.setSpacing(SPACE.s)
        self.field = QLineEdit()
        self.field.setFixedWidth(64)
        self.field.setPlaceholderText(self.tr("none"))
        self.field.setAccessibleName(self.tr("Largest size on disk, MB"))
        theme().set_font(self.field, "body")
        caption = label(self.tr("At most"), "small", "text2")
        caption.setBuddy(self.field)
        row.addWidget(caption)
        row.addWidget(self.field)
        row.addWidget(label("MB", "small", "text2"))
        row.addStretch(1)
        self.body.addLayout(row)
        self._disk = _Check()
        self._accuracy = _Check()
        self.body.addLayout(self._disk.row)
        self.body.addLayout(self._accuracy.row)
        self._accuracy.show_check(
            "verdict-undecided", "warn", self.tr("Accuracy: known after training")
        )
        self.field.textEdited.connect(self._on_edited)

    def show_goal(self, goal_mb: float | None, disk_mb: float | None) -> None:
        """Show whether the predicted size meets the goal."""
        if not self.field.hasFocus():
            self.field.setText("" if goal_mb is None else f"{goal_mb:g}")
        if disk_mb is None:
            self._disk.show_check("info", "text3", self.tr("On disk: no prediction yet"))
            return
        size = f"{disk_mb:,.1f}" if disk_mb >= 1 else f"{disk_mb:.3f}"
        if goal_mb is None:
            self._disk.show_check("info", "text3", self.tr("On disk {0} MB").format(size))
        elif disk_mb <= goal_mb:
            words = self.tr("On disk {0} MB, goal met").format(size)
            self._disk.show_check("verdict-proved", "ok", words)
        else:
            words = self.tr("On disk {0} MB, goal not met").format(size)
            self._disk.show_check("verdict-refuted", "bad", words)

    def words(self) -> str:
        """Return what the check says."""
        return f"{self._disk.words.text()}. {self._accuracy.words.text()}"

    def _on_edited(self, text: str) -> None:
        if not text.strip():
            self.goal_changed.emit(None)
            return
        value, error = _RULE.parse(text)
        if not error:
            self.goal_changed.emit(float(value))


class _Check:
    def __init__(self) -> None:
        self.row = QHBoxLayout()
        self.row.setSpacing(SPACE.s)
        self._icon = IconLabel("info", "text3", 14)
        self.words = label("", "small", wrap=True)
        self.row.addWidget(self._icon)
        self.row.addWidget(self.words, 1)

    def show_check(self, icon: str, tone: str, words: str) -> None:
        self._icon.set_icon(icon, tone)
        self.words.setText(words)
        set_tone(self.words, "text")
