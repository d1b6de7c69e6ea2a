"""Beside the chart: the answer, the claim ledger, and one variant class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from emostudio.core.comparing import ProfileReport
from emostudio.gui.charts.class_bars import ClassBars
from emostudio.gui.charts.confusion import ConfusionChart
from emostudio.gui.pages.compare_claims import ClaimLedger
from emostudio.gui.pages.compare_layers import LayersView
from emostudio.gui.tokens import SPACE
from emostudio.gui.verdict_badge import verdict_look
from emostudio.gui.widgets.buttons import Segmented, button
from emostudio.gui.widgets.card import Card, plain, rule, scrolled
from emostudio.gui.widgets.labels import ElidedLabel, IconLabel, label, set_shown
from emostudio.workspace.claims import ClaimCheck
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.findings import Answer


class DetailsCard(Card):
    """Answer above; below it claims, classes or the confusion matrix.

    Signals
    -------
    live_asked
        Name of the variant to see live.
    profile_asked
        Names of the models whose layers are to be timed.
    """

    live_asked = Signal(str)
    profile_asked = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._model = ""
        self._icon = IconLabel("info", "text3", 16)
        self.heading = label("", "card", wrap=True)
        self.live = button(self.tr("Try live"), "small", "live", self._ask_live)
        self._lines = [label("", "small", "text2", wrap=True) for _ in range(3)]
        self.ledger = ClaimLedger()
        self.bars = ClassBars()
        self.confusion = ConfusionChart()
        self.layers = LayersView()
        self._profiles: Callable[[], Sequence[ProfileReport]] = tuple
        self.views = Segmented(
            [
                ("claims", self.tr("Claims")),
                ("classes", self.tr("Classes")),
                ("confusion", self.tr("Confusion")),
                ("layers", self.tr("Layers")),
            ]
        )
        self._row: ComparisonRow | None = None
        self._baseline: ComparisonRow | None = None
        self._is_wide = False
        self._chooser = plain()
        self._about = _about_label()
        self._parts = {
            "claims": _Part(self.tr("Claim ledger"), self.ledger),
            "classes": _Part(self.tr("Accuracy by class"), self.bars),
            "confusion": _Part(self.tr("Confusion"), self.confusion),
            "layers": _Part(self.tr("Layers"), self.layers),
        }
        self._build()
        self.views.chosen.connect(lambda _key: self._show_view())
        self.layers.profile_asked.connect(self.profile_asked)

    def show_answer(self, answer: Answer) -> None:
        """Show what the comparison says."""
        self._model = answer.model
        _, tone, glyph = verdict_look(answer.verdict)
        self._icon.set_icon(glyph or "info", tone if glyph else "text3")
        self.heading.setText(answer.heading)
        set_shown(self.live, bool(answer.model))
        for place, line in enumerate(self._lines):
            words = answer.lines[place] if place < len(answer.lines) else ""
            line.setText(words)
            set_shown(line, bool(words))

    def show_claims(self, checks: Sequence[ClaimCheck]) -> None:
        """Show published gains beside ours."""
        self.ledger.show_claims(checks)
        self._show_view()

    def show_profiles(self, profiles: Callable[[], Sequence[ProfileReport]]) -> None:
        """Take layers from here; asked only when they are looked at."""
        self._profiles = profiles

    def show_model(self, row: ComparisonRow | None, baseline: ComparisonRow | None) -> None:
        """Show one variant class by class, against the baseline."""
        self._row, self._baseline = row, baseline
        if row is not None and row.evaluation is not None:
            self.confusion.show_result(row.evaluation)
            if baseline is not None and baseline.evaluation is not None:
                self.bars.show_results(row.evaluation, baseline.evaluation)
        self._show_view()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE.s)
        head.addWidget(self._icon)
        head.addWidget(self.heading, 1)
        head.addWidget(self.live)
        # In a scroll area, so that wrapped lines never squeeze the table above the card.
        content = plain()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.xs)
        column.addLayout(head)
        for line in self._lines:
            column.addWidget(line)
        column.addSpacing(SPACE.xs)
        column.addWidget(rule())
        column.addSpacing(SPACE.xs)
        chooser = QHBoxLayout(self._chooser)
        chooser.setContentsMargins(0, 0, 0, 0)
        chooser.addWidget(self.views)
        chooser.addSpacing(SPACE.s)
        chooser.addWidget(self._about, 1)
        column.addWidget(self._chooser)
        for part in self._parts.values():
            column.addWidget(part, 1)
        column.addStretch(0)
        self.body.addWidget(scrolled(content), 1)

    def set_wide(self, *, is_wide: bool) -> None:
        """Show all parts below each other where there is room, else one at a time."""
        self._is_wide = is_wide
        self._show_view()

    def _show_view(self) -> None:
        set_shown(self._chooser, not self._is_wide)
        if self._row is not None and (self._is_wide or self.views.current() == "layers"):
            baseline = self._baseline.model if self._baseline else self._row.model
            self.layers.show_layers(self._profiles(), baseline, self._row.model)
        self._about.setText(self._what(self.views.current()))
        for key, part in self._parts.items():
            part.show_state(self._what(key), self._why_empty(key), has_title=self._is_wide)
            set_shown(part, self._is_wide or key == self.views.current())

    def _why_empty(self, view: str) -> str:
        if view == "claims":
            if self.ledger.has_claims():
                return ""
            return self.tr("No published gain can be laid to one method of these variants.")
        row = self._row
        if row is None:
            return self.tr("Choose a variant in the table.")
        if view == "layers":
            return ""
        if row.evaluation is None:
            return self.tr("{0} is not evaluated yet.").format(row.model)
        if view == "classes" and (self._baseline is None or self._baseline.evaluation is None):
            return self.tr("The baseline is not evaluated yet.")
        return ""

    def _what(self, view: str) -> str:
        if view == "claims" or self._row is None:
            return ""
        if view == "layers":
            return self._row.model
        if view == "classes":
            return self.tr("{0}, points against {1}").format(
                self._row.model, self._baseline.model if self._baseline else "–"
            )
        return self.tr("{0}, % of the true class").format(self._row.model)

    def _ask_live(self) -> None:
        if self._model:
            self.live_asked.emit(self._model)


class _Part(QWidget):
    """One part: title and what it is about, the content, or why there is none."""

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.xs)
        head = QHBoxLayout()
        self._title = label(title, "card")
        self._about = _about_label()
        head.addWidget(self._title)
        head.addWidget(self._about, 1)
        self._missing = label("", "small", "text2", wrap=True)
        self._content = content
        column.addLayout(head)
        column.addWidget(self._missing)
        column.addWidget(content, 1)
        column.addStretch(0)

    def show_state(self, about: str, missing: str, *, has_title: bool) -> None:
        """Show the content, or why it is missing."""
        set_shown(self._title, has_title)
        self._about.setText(about)
        set_shown(self._about, has_title)
        self._missing.setText(missing)
        set_shown(self._missing, bool(missing))
        set_shown(self._content, not missing)
        vertical = QSizePolicy.Policy.Maximum if missing else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)


def _about_label() -> ElidedLabel:
    made = ElidedLabel("", "caption", "text2")
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return made
