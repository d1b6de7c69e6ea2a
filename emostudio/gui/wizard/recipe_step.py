"""Wizard step: which methods in which order, and the settings of the chosen one."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from emostudio.core.answers import CatalogueEntry
from emostudio.core.errors import EmoStudioError
from emostudio.core.recipe import Recipe
from emostudio.gui.dialogs import ask_where, replacing
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.gui.widgets.note import Note
from emostudio.gui.wizard.recipe_list import RecipeList, StepCard
from emostudio.gui.wizard.size_factors import step_factors
from emostudio.gui.wizard.state import WizardState
from emostudio.gui.wizard.step_form import StepForm
from emostudio.workspace.presets import preset_recipes
from emostudio.workspace.recipes import load_recipe, recipe_file, save_recipe

_SHOWN_SETTINGS = 3

_NOTHING = (None, "", "all", "auto", 0, False, "none")
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
        self.list = RecipeList()
        self.note = Note()
        self.form_card = StepForm(state)
        self.form = self.form_card.form
        self.add = button(self.tr("Add step"), "default", "add", self._open_methods)
        self.presets = button(self.tr("Presets"), "ghost", "", self._open_presets)
        self.undo = icon_button("undo", self.tr("Undo (Ctrl+Z)"), self._undo)
        self.redo = icon_button("redo", self.tr("Redo (Ctrl+Shift+Z)"), self._redo)
        self.save = button(self.tr("Save recipe"), "small", "", self._ask_where_to_save)
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
        self.form_card.show_step(self._current)

    def show_refusal(self, cause: str, reason: str) -> None:
        """Say why a move was taken back."""
        self.note.show_note("bad", f"{cause}.", _sentence(reason))

    def choose_step(self, index: int) -> None:
        """Show the settings of a step."""
        self.form_card.commit()
        self._current = index
        self.note.show_note("info", "")
        self.refresh()

    def add_method(self, key: str) -> None:
        """Put a step at the end of the recipe."""
        self.form_card.commit()
        self.note.show_note("info", "")
        self._current = len(self._state.flow.draft.recipe.steps)
        self._state.edit(lambda: self._state.flow.add_step(key))

    def use_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe; undo brings the old one back."""
        self.form_card.forget()
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
        menu = _menu(self)
        catalogue = self._state.studio.catalogue
        entries = sorted(catalogue.methods, key=lambda e: e.family) if catalogue else []
        for family, members in groupby(entries, key=lambda e: e.family):
            several = list(members)
            # All methods in one list would be higher than a small screen.
            place = menu if len(several) == 1 else _menu(menu, family)
            for entry in several:
                self._add_method_to(place, entry)
            if place is not menu:
                menu.addMenu(place)
        return menu

    def _add_method_to(self, menu: QMenu, entry: CatalogueEntry) -> None:
        action = QAction(entry.title, menu)
        action.setData(entry.key)
        action.setEnabled(entry.available)
        action.setToolTip(entry.summary if entry.available else entry.why_not)
        action.triggered.connect(lambda: self.add_method(entry.key))
        menu.addAction(action)

    def preset_menu(self) -> QMenu:
        """Return the recipes to start from."""
        menu = _menu(self)
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
        column.addWidget(card)
        column.addWidget(self.form_card, 1)

    def _connect(self) -> None:
        self.list.step_chosen.connect(self.choose_step)
        self.list.move_asked.connect(self._move)
        self.list.remove_asked.connect(self._remove)
        self.list.duplicate_asked.connect(self._duplicate)
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
            shown = str(value).replace("_", " ") if "enum" in schema else str(value)
            words = f"{schema.get('title', name)} {shown} {schema.get('unit', '')}".strip()
            if value != schema.get("default"):
                changed.append(words)
            elif not schema.get("advanced"):
                standard.append(words)
        return "; ".join((changed + standard)[:_SHOWN_SETTINGS]) or entry.summary

    def _move(self, index: int, to: int) -> None:
        self.form_card.commit()
        self.note.show_note("info", "")
        self.form_card.forget()
        self._current = to
        self._state.try_move(index, to)

    def _remove(self, index: int) -> None:
        self.form_card.forget()
        self.note.show_note("info", "")
        self._state.edit(lambda: self._state.flow.remove_step(index))

    def _duplicate(self, index: int) -> None:
        self.form_card.commit()
        steps = list(self._state.flow.draft.recipe.steps)
        steps.insert(index + 1, steps[index])
        name = self._state.flow.draft.recipe.name
        self._current = index + 1
        recipe = Recipe(name=name, steps=tuple(steps))
        self._state.edit(lambda: self._state.flow.set_recipe(recipe))

    def _undo(self) -> None:
        self.form_card.forget()
        self._state.edit(self._state.flow.undo)

    def _redo(self) -> None:
        self.form_card.forget()
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
        title = self.tr("Save recipe")
        ask_where(self.window(), title, str(place), "json", self._save_unless_taken)

    def _save_unless_taken(self, path: Path) -> None:
        replacing(self.window(), path, lambda: self.save_to(path))


def _menu(parent: QWidget, title: str = "") -> QMenu:
    menu = QMenu(title, parent)
    menu.setToolTipsVisible(True)
    theme().set_font(menu, "body")
    return menu


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""
