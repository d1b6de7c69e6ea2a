"""The settings of one recipe step, made from its method's schema, without its training part."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card, plain, scrolled
from emostudio.gui.widgets.labels import set_shown
from emostudio.gui.widgets.settings_form import SettingsForm
from emostudio.gui.wizard.break_even_panel import BreakEvenPanel
from emostudio.gui.wizard.state import WizardState

_SETTLE_MS = 350
"""Typing stops for this long before a changed setting becomes one undoable edit."""


class StepForm(Card):
    """The form of the chosen step; what is typed reaches the recipe when typing stops."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(" ", " ")
        self._wizard = state
        self._shown: tuple[int, str] | None = None
        self.form = SettingsForm()
        self.reset = button(self.tr("Reset"), "ghost", "", self.form.reset)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self.commit)
        self.add_action(self.reset)
        self.break_even = BreakEvenPanel()
        content = plain()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        column.addWidget(self.break_even)
        column.addWidget(self.form)
        column.addStretch(1)
        self.body.addWidget(scrolled(content), 1)
        self.break_even.measure_asked.connect(state.measure)
        self.form.changed.connect(self._settle.start)
        self.form.valid_changed.connect(lambda _valid: self._on_valid_changed())

    def show_step(self, index: int) -> None:
        """Show the settings of a step; a negative index hides the form."""
        steps = self._wizard.flow.draft.recipe.steps
        set_shown(self, index >= 0)
        if index < 0:
            self._shown = None
            return
        method = steps[index].method
        values = self._wizard.values(index)
        if self._shown != (index, method):
            self._drop_error()
            entry = self._wizard.entry(method)
            self.form.set_schema(entry.settings, values, sorted(self._wizard.training_fields()))
            self.set_title(entry.title, self.tr("Step {0} settings").format(index + 1))
            self.setToolTip(f"{entry.summary}\n{entry.reference}".strip())
        elif self.form.is_valid() and not self._settle.isActive():
            self.form.set_values({k: v for k, v in values.items() if v is not None})
        self._shown = (index, method)
        self.show_break_even()

    def show_break_even(self) -> None:
        """Show what the prediction says about the time of the step's layers, if it does."""
        plan = self._wizard.flow.plan
        outlooks = () if plan is None or self._shown is None else plan.low_rank
        found = [one for one in outlooks if self._shown == (one.step, one.method)]
        self.break_even.show_outlook(
            found[0] if found else None, is_measuring=self._wizard.is_predicting
        )

    def commit(self) -> None:
        """Take over what stands in the form."""
        self._settle.stop()
        if self._shown is None:
            return
        index, method = self._shown
        steps = self._wizard.flow.draft.recipe.steps
        if index >= len(steps) or steps[index].method != method:
            return
        values, known = self.form.values(), self._wizard.values(index)
        if self.form.is_valid() and any(known.get(k) != v for k, v in values.items()):
            kept = self._wizard.without_defaults(method, {**steps[index].settings, **values})
            self._change(index, kept)
        self._note_error()

    def forget(self) -> None:
        """Drop what stands in the form; the next step shown is read anew."""
        self._settle.stop()
        self._shown = None

    def _change(self, index: int, settings: dict[str, Any]) -> None:
        self._wizard.edit(lambda: self._wizard.flow.change_settings(index, settings))

    def _note_error(self) -> None:
        if self._shown is not None:
            index, error = self._shown[0], self.form.first_error()
            self._wizard.go(lambda: self._wizard.flow.set_settings_error(index, error))

    def _drop_error(self) -> None:
        # What was refused is not kept, so it must not stand in the way any longer.
        if self._shown is not None:
            self._wizard.flow.set_settings_error(self._shown[0], "")

    def _on_valid_changed(self) -> None:
        # What was typed must be taken over before anything writes into the form again.
        self._settle.start()
        self._note_error()
