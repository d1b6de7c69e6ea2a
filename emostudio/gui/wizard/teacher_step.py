"""Wizard step: which model to compress."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from emostudio.core.units import format_bytes, format_count
from emostudio.gui.widgets.card import Card, EmptyState, plain
from emostudio.gui.wizard.choice_list import Choice, ChoiceList
from emostudio.gui.wizard.state import WizardState
from emostudio.workspace.records import ModelRecord


class TeacherStep(Card):
    """Every model of the workspace can be the start of a recipe.

    Signals
    -------
    models_asked
        There is no model yet and the user wants to get one.
    """

    models_asked = Signal()

    def __init__(self, state: WizardState) -> None:
        super().__init__(state.tr("Which model should become smaller?"))
        self._wizard = state
        self.list = ChoiceList(self.tr("Models"))
        self.list.chosen.connect(self._on_chosen)
        self.list.confirmed.connect(lambda _key: state.go(state.flow.next))
        self.empty = EmptyState(
            "models",
            self.tr("There is no model in this workspace yet. Import one or train one."),
            self.tr("Open models"),
        )
        self.empty.acted.connect(self.models_asked)
        holder = plain()
        self._stack = QStackedLayout(holder)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self.empty)
        self.body.addWidget(holder, 1)

    def refresh(self) -> None:
        """Read the models again."""
        models = self._wizard.studio.workspace.models()
        titles = self._wizard.studio.titles()
        self.list.show_choices(
            [_choice(m, titles) for m in models], self._wizard.flow.draft.teacher
        )
        shown: QWidget = self.list if models else self.empty
        self._stack.setCurrentWidget(shown)

    def _on_chosen(self, key: str) -> None:
        self._wizard.edit(lambda: self._wizard.flow.choose_teacher(key))


def teacher_facts(model: ModelRecord, titles: Mapping[str, str]) -> str:
    """Return one line on a model: accuracy, architecture, size; `titles` by key."""
    parts = []
    if model.evaluations:
        parts.append(f"{100 * model.evaluations[0].result.accuracy:.1f} %")
    parts.append("black box" if model.info.is_black_box else _built(model, titles))
    if model.parameters is not None:
        parts.append(f"{format_count(model.parameters)} parameters")
    parts.append(f"{len(model.info.labels)} emotions")
    return ", ".join(parts)


def _built(model: ModelRecord, titles: Mapping[str, str]) -> str:
    return titles.get(model.info.architecture, model.info.architecture)


def _choice(model: ModelRecord, titles: Mapping[str, str]) -> Choice:
    icon = "face" if model.role == "teacher" else "compress"
    return Choice(
        model.name, model.name, teacher_facts(model, titles), format_bytes(model.disk_bytes), icon
    )
