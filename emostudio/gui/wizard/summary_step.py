"""Wizard step: everything at a glance before the work begins."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout

from emostudio.core.answers import PlanReport
from emostudio.core.units import format_bytes, format_count, format_duration
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card, plain, scrolled
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.note import Note
from emostudio.gui.wizard.data_step import data_title
from emostudio.gui.wizard.low_rank_words import outlook_lines
from emostudio.gui.wizard.state import WizardState


class SummaryStep(Card):
    """What will be done and what is predicted; the accuracy is known only afterwards."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(state.tr("Summary"), state.tr("what will be done"))
        self._wizard = state
        self._content = plain()
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.s)
        self._grid.setColumnStretch(1, 1)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._rows: list[tuple[str, str]] = []
        self.body.addWidget(scrolled(self._content), 1)
        self.body.addWidget(
            Note("info", self.tr("Accuracy and speed are measured, not predicted."),
                 self.tr("Each step is evaluated as it ends; cancelling keeps what is done."))
        )  # fmt: skip

    def words(self) -> str:
        """Return the summary as text."""
        return "\n".join(f"{name}: {value}" for name, value in self._rows)

    def refresh(self) -> None:
        """Show what is entered now."""
        rows = self._lines()
        if rows == self._rows:
            return
        self._rows = rows
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, (name, value) in enumerate(rows):
            caption = label(name, "body", "text2")
            caption.setFixedWidth(SPACE.label_column)
            top = Qt.AlignmentFlag.AlignTop
            self._grid.addWidget(caption, place, 0, top)
            self._grid.addWidget(label(value, "body", wrap=True), place, 1, top)

    def _lines(self) -> list[tuple[str, str]]:
        draft = self._wizard.flow.draft
        rows = [
            (self.tr("Teacher"), draft.teacher),
            (self.tr("Data"), data_title(draft.data)),
        ]
        for number, step in enumerate(draft.recipe.steps, start=1):
            name = self.tr("Step {0}").format(number)
            rows.append(
                (name, f"{self._wizard.entry(step.method).title}{_settings(step.settings)}")
            )
        rows += [
            (self.tr("Name"), draft.name or self.tr("chosen by EmoStudio")),
            (self.tr("Seed"), _seed_words(draft.seed, draft.seeds)),
        ]
        plan = self._wizard.flow.plan
        return rows + (self._predicted(plan) if plan is not None and plan.stages else [])

    def _predicted(self, plan: PlanReport) -> list[tuple[str, str]]:
        first, last = plan.stages[0], plan.stages[-1]
        exact = "" if last.disk_bytes_exact else self.tr("about ")
        shrink = first.disk_bytes / max(last.disk_bytes, 1)
        size = self.tr("{0}{1} on disk, {2}× smaller than the teacher").format(
            exact, format_bytes(last.disk_bytes), f"{shrink:.1f}"
        )
        counts = self.tr("{0} parameters, {1} MACs").format(
            *(
                "–" if count is None else format_count(count)
                for count in (last.parameters, last.macs)
            )
        )
        rows = [(self.tr("Predicted"), f"{size}; {counts}")]
        if plan.speedup_ceiling is not None:
            words = self.tr("at most {0}× from fewer MACs; a ceiling, not a promise")
            rows.append((self.tr("Speed"), words.format(f"{plan.speedup_ceiling:.1f}")))
        rows += [(self.tr("Low rank"), line) for line in outlook_lines(plan)]
        epochs = sum(stage.training_epochs for stage in plan.stages)
        time = self.tr("{0} epochs").format(epochs)
        if plan.training_seconds is not None:
            time += self.tr(", about {0}").format(format_duration(plan.training_seconds))
        rows.append((self.tr("Training"), time))
        return rows


def _settings(settings: dict[str, object]) -> str:
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items())
    return f" ({words})" if words else ""


def _seed_words(seed: int, seeds: int) -> str:
    return str(seed) if seeds == 1 else f"{seed} – {seed + seeds - 1}"
