"""Wizard step: which methods in which order, and the settings of the chosen one."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from emostudio.core.answers import PlanReport
from emostudio.core.errors import EmoStudioError
from emostudio.core.recipe import Recipe
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.card import Card, Note, scrolled
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.gui.widgets.settings_form import SettingsForm
from emostudio.gui.wizard.presets import preset_recipes
from emostudio.gui.wizard.recipe_list import RecipeList, StepCard
from emostudio.gui.wizard.state import WizardState
from emostudio.workspace.recipes import load_recipe, recipe_file, save_recipe

_SETTLE_MS = 350
"""Typing stops for this long before a changed setting becomes one undoable edit."""

_SHOWN_SETTINGS = 3

_NOTHING = (None, "", "all", 0, False, "none")
"""Values that say no more than that the method does what it always does."""


class RecipeStep(QWidget):
    """The recipe card and below it the form of the chosen step.

    Signals
    -------
    saved_to
        File in which the recipe was saved.
    """

    saved_to = Signal(str)

    def __init__(self, state: WizardState) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._state = state
        self._current = -1
        self._shown: tuple[int, str, dict[str, Any]] | None = None
        self.list = RecipeList()
        self.note = Note()
        self.form_card = Card(" ", " ")
        self.form = SettingsForm()
        self.add = button(self.tr("Add step"), "default", "add", self._open_methods)
        self.presets = button(self.tr("Presets"), "ghost", "", self._open_presets)
        self.undo = icon_button("undo", self.tr("Undo (Ctrl+Z)"), self._undo)
        self.redo = icon_button("redo", self.tr("Redo (Ctrl+Shift+Z)"), self._redo)
        self.save = button(self.tr("Save recipe"), "small", "", self._ask_where_to_save)
        self.reset = button(self.tr("Reset"), "ghost", "", self.form.reset)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._commit)
        self._build()
        self._connect()

    def refresh(self) -> None:
        """Show the recipe as it is now."""
        steps = self._state.flow.draft.recipe.steps
        self._current = min(max(self._current, 0), len(steps) - 1)
        self.list.show_steps(self._cards(), self._current)
        self.undo.setEnabled(self._state.flow.can_undo)
        self.redo.setEnabled(self._state.flow.can_redo)
        self.save.setEnabled(bool(steps))
        set_shown(self._hint, not steps)
        self._show_form()

    def show_refusal(self, cause: str, reason: str) -> None:
        """Say why a move was taken back."""
        self.note.show_note("bad", f"{cause}.", _sentence(reason))

    def choose_step(self, index: int) -> None:
        """Show the settings of a step."""
        self._commit()
        self._current = index
        self.note.show_note("info", "")
        self.refresh()

    def add_method(self, key: str) -> None:
        """Put a step at the end of the recipe."""
        self._commit()
        self.note.show_note("info", "")
        self._current = len(self._state.flow.draft.recipe.steps)
        self._state.edit(lambda: self._state.flow.add_step(key))

    def use_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe; undo brings the old one back."""
        self._settle.stop()
        self.note.show_note("info", "")
        self._current = 0
        self._state.edit(lambda: self._state.flow.set_recipe(recipe))

    def save_to(self, path: Path) -> None:
        """Save the recipe as JSON."""
        try:
            save_recipe(self._state.flow.draft.recipe, path)
        except EmoStudioError as error:
            self.note.show_error(error)
            return
        self.saved_to.emit(str(path))

    def load_from(self, path: Path) -> None:
        """Load a recipe from JSON."""
        try:
            recipe = load_recipe(path)
        except EmoStudioError as error:
            self.note.show_error(error)
            return
        self.use_recipe(recipe)

    def method_menu(self) -> QMenu:
        """Return the catalogue of methods by family; those that cannot work here say why."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        theme().set_font(menu, "body")
        catalogue = self._state.studio.catalogue
        entries = sorted(catalogue.methods, key=lambda e: e.family) if catalogue else []
        for family, members in groupby(entries, key=lambda e: e.family):
            menu.addSection(family)
            for entry in members:
                action = menu.addAction(entry.title)
                action.setData(entry.key)
                action.setEnabled(entry.available)
                action.setToolTip(entry.summary if entry.available else entry.why_not)
                action.triggered.connect(lambda _=False, key=entry.key: self.add_method(key))
        return menu

    def preset_menu(self) -> QMenu:
        """Return the recipes to start from."""
        menu = QMenu(self)
        theme().set_font(menu, "body")
        found = preset_recipes(self._state.studio.catalogue, self._state.studio.workspace.folder)
        for name, recipe in found.items():
            action = menu.addAction(name)
            action.triggered.connect(lambda _=False, recipe=recipe: self.use_recipe(recipe))
        if not found:
            menu.addAction(self.tr("No presets yet")).setEnabled(False)
        return menu

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        card = Card(self.tr("Recipe"), self.tr("Drag to reorder"))
        for widget in (self.undo, self.redo, self.save):
            card.add_action(widget)
        self._hint = label(
            self.tr("A recipe is an ordered list of methods. Add the first step, or take a "
                    "preset."), "small", "text2", wrap=True,
        )  # fmt: skip
        card.body.addWidget(self._hint)
        card.body.addWidget(self.list)
        card.body.addWidget(self.note)
        row = QHBoxLayout()
        row.setSpacing(SPACE.s)
        row.addWidget(self.add)
        row.addWidget(self.presets)
        row.addStretch(1)
        card.body.addLayout(row)
        self.form_card.add_action(self.reset)
        self.form_card.body.addWidget(scrolled(self.form), 1)
        column.addWidget(card)
        column.addWidget(self.form_card, 1)

    def _connect(self) -> None:
        self.list.step_chosen.connect(self.choose_step)
        self.list.move_asked.connect(self._move)
        self.list.remove_asked.connect(self._remove)
        self.list.duplicate_asked.connect(self._duplicate)
        self.form.changed.connect(self._settle.start)
        self.form.valid_changed.connect(self._on_valid_changed)
        for keys, action in (
            (QKeySequence.StandardKey.Undo, self._undo),
            (QKeySequence.StandardKey.Redo, self._redo),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(action)

    def _cards(self) -> list[StepCard]:
        flow = self._state.flow
        factors = step_factors(flow.draft.recipe, flow.plan)
        faults: dict[int, str] = {}
        if flow.plan is not None:
            for refusal in flow.plan.refusals:
                faults.setdefault(refusal.step, _sentence(refusal.reason))
        return [
            StepCard(
                self._state.entry(step.method).title,
                self._summary(index),
                factors[index],
                faults.get(index, ""),
            )
            for index, step in enumerate(flow.draft.recipe.steps)
        ]

    def _summary(self, index: int) -> str:
        step = self._state.flow.draft.recipe.steps[index]
        entry = self._state.entry(step.method)
        values = self._state.values(index)
        skip = self._state.training_fields()
        changed, standard = [], []
        for name, schema in entry.settings.get("properties", {}).items():
            value = values.get(name)
            if name in skip or value in _NOTHING:
                continue
            shown = str(value).replace("_", " ")
            words = f"{schema.get('title', name)} {shown} {schema.get('unit', '')}".strip()
            if value != schema.get("default"):
                changed.append(words)
            elif not schema.get("advanced"):
                standard.append(words)
        return "; ".join((changed + standard)[:_SHOWN_SETTINGS]) or entry.summary

    def _show_form(self) -> None:
        steps = self._state.flow.draft.recipe.steps
        set_shown(self.form_card, bool(steps))
        if not steps:
            self._shown = None
            return
        index, step = self._current, steps[self._current]
        values = self._state.values(index)
        wanted = (index, step.method, values)
        if self._shown is None or self._shown[:2] != wanted[:2]:
            entry = self._state.entry(step.method)
            skip = sorted(self._state.training_fields())
            self.form.set_schema(entry.settings, values, skip)
            number = self.tr("Step {0} settings").format(index + 1)
            self.form_card.set_title(entry.title, number)
            self.form_card.setToolTip(f"{entry.summary}\n{entry.reference}".strip())
        elif self.form.is_valid() and not self._settle.isActive():
            self.form.set_values({k: v for k, v in values.items() if v is not None})
        self._shown = wanted

    def _commit(self) -> None:
        """Take over what stands in the form."""
        self._settle.stop()
        if self._shown is None:
            return
        index, method, _ = self._shown
        steps = self._state.flow.draft.recipe.steps
        if index >= len(steps) or steps[index].method != method:
            return
        if not self.form.is_valid():
            self._note_error()
            return
        settings = {**steps[index].settings, **self.form.values()}
        known = self._state.values(index)
        if any(known.get(name) != value for name, value in self.form.values().items()):
            self._shown = (index, method, settings)
            kept = self._state.without_defaults(method, settings)
            self._state.edit(lambda: self._state.flow.change_settings(index, kept))
        self._note_error()

    def _note_error(self) -> None:
        if self._shown is not None:
            error = self.form.first_error()
            self._state.go(lambda: self._state.flow.set_settings_error(self._current, error))

    def _on_valid_changed(self, _valid: bool) -> None:
        # What was typed must be taken over before anything writes into the form again.
        self._settle.start()
        self._note_error()

    def _move(self, index: int, to: int) -> None:
        self._commit()
        self.note.show_note("info", "")
        self._shown = None
        self._current = to
        self._state.try_move(index, to)

    def _remove(self, index: int) -> None:
        self._settle.stop()
        self._shown = None
        self.note.show_note("info", "")
        self._state.edit(lambda: self._state.flow.remove_step(index))

    def _duplicate(self, index: int) -> None:
        self._commit()
        steps = list(self._state.flow.draft.recipe.steps)
        steps.insert(index + 1, steps[index])
        name = self._state.flow.draft.recipe.name
        self._current = index + 1
        recipe = Recipe(name=name, steps=tuple(steps))
        self._state.edit(lambda: self._state.flow.set_recipe(recipe))

    def _undo(self) -> None:
        self._settle.stop()
        self._shown = None
        self._state.edit(self._state.flow.undo)

    def _redo(self) -> None:
        self._settle.stop()
        self._shown = None
        self._state.edit(self._state.flow.redo)

    def _open_methods(self) -> None:
        self.method_menu().popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def _open_presets(self) -> None:
        self.preset_menu().popup(self.presets.mapToGlobal(self.presets.rect().bottomLeft()))

    def _ask_where_to_save(self) -> None:
        recipe = self._state.flow.draft.recipe
        name = recipe.name or recipe.title
        place = recipe_file(self._state.studio.workspace.folder, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        dialog = QFileDialog(self.window(), self.tr("Save recipe"), str(place))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.setNameFilters([self.tr("Recipes (*.json)")])
        dialog.fileSelected.connect(lambda file: self.save_to(Path(file)))
        dialog.open()


def step_factors(recipe: Recipe, plan: PlanReport | None) -> list[str]:
    """Return by how much each step shrinks the file, such as ÷ 3.7; empty where unknown.

    A method that stands for several others has several stages in the plan.
    """
    empty = [""] * len(recipe.steps)
    if plan is None or not plan.stages:
        return empty
    ends = _stage_ends(recipe, plan)
    if ends is None:
        return empty
    factors, before = [], plan.stages[0].disk_bytes
    for end in ends:
        after = plan.stages[end].disk_bytes
        factors.append(f"÷ {before / max(after, 1):.1f}")
        before = after
    return factors


def _stage_ends(recipe: Recipe, plan: PlanReport) -> list[int] | None:
    stages, steps = plan.stages[1:], recipe.steps
    if len(stages) == len(steps):
        return list(range(1, len(stages) + 1))
    ends, place = [], 0
    for number, step in enumerate(steps):
        following = steps[number + 1].method if number + 1 < len(steps) else None
        if place >= len(stages):
            return None
        place += 1
        if stages[place - 1].method != step.method:
            while place < len(stages) and stages[place].method != following:
                place += 1
        ends.append(place)
    return ends if place == len(stages) else None


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""
