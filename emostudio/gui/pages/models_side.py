"""The right column of the models page: what changed, and details."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout

from emostudio.core.answers import ModelReport
from emostudio.gui.pages.models_rows import Change, changes, detail_rows
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card, clear, plain
from emostudio.gui.widgets.labels import ElidedLabel, label
from emostudio.gui.widgets.note import Note
from emostudio.gui.widgets.progress import ThinBar
from emostudio.workspace.records import ModelRecord


class ChangesCard(Card):
    """A variant beside its parent, figure by figure."""

    def __init__(self) -> None:
        super().__init__(self.tr("Changes"))
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE.s)
        self.body.addLayout(self._rows)
        self._note = Note()
        self._note.hide()
        self.body.addWidget(self._note)

    def show_model(self, model: ModelRecord, parent: ModelRecord | None, verdict: str) -> None:
        """Show what a model gained and cost."""
        clear(self._rows)
        if parent is None:
            self.set_title(self.tr("Changes"))
            text = self.tr("This model has no parent: variants are compared with it.")
            self._rows.addWidget(label(text, "small", "text2", wrap=True))
            self._note.show_note("info", "")
            return
        self.set_title(self.tr("Changes from {0}").format(parent.name))
        found = changes(model, parent)
        for change in found:
            self._add(change)
        if verdict == "Size only":
            text = self.tr("Dense kernels run it here: smaller file, same time.")
            self._note.show_note("info", self.tr("Size only."), text)
        elif verdict == "Simulated":
            text = self.tr("Its arithmetic is imitated in float32: no time can be measured here.")
            self._note.show_note("info", self.tr("Simulated."), text)
        elif not any(change.name == self.tr("Inference, p50") for change in found):
            text = self.tr("Benchmark both in Compare before claiming a gain in time.")
            self._note.show_note("warn", self.tr("Time is not measured."), text)
        else:
            self._note.show_note("info", "")

    def _add(self, change: Change) -> None:
        holder = plain()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        first = QHBoxLayout()
        words = ElidedLabel(change.words, "small_bold", change.tone)
        words.setAlignment(Qt.AlignmentFlag.AlignRight)
        words.setAccessibleDescription(change.tip)
        holder.setToolTip(change.tip)
        first.addWidget(label(change.name, "small", "text2"))
        first.addWidget(words, 1)
        second = QHBoxLayout()
        second.setSpacing(SPACE.s)
        second.addWidget(label(f"{change.parent}  →", "small", "text2"))
        second.addWidget(label(change.child, "body_bold"))
        second.addStretch(1)
        bar = ThinBar()
        bar.set_fraction(change.share)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(bar)
        self._rows.addWidget(holder)


class DetailsCard(Card):
    """Facts of a model."""

    def __init__(self) -> None:
        super().__init__(self.tr("Details"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE.m)
        self._grid.setVerticalSpacing(SPACE.xs + 2)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)

    def show_report(self, report: ModelReport, titles: Mapping[str, str]) -> None:
        """Show a report's facts; `titles` names architectures by key."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for row, (name, value) in enumerate(detail_rows(report, titles)):
            self._grid.addWidget(label(name, "small", "text2"), row, 0, Qt.AlignmentFlag.AlignTop)
            shown = ElidedLabel(value, "small")
            shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(shown, row, 1)
