"""Wizard step: how the steps of the recipe train, and what the variant is called."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from emostudio.core.paths import safe_name
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card, clear, plain, rule, scrolled
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.settings_form import SettingsForm
from emostudio.gui.wizard.state import WizardState

_SETTLE_MS = 350
_HIGHEST_SEED = 2**31 - 1
_MOST_SEEDS = 100


class TrainingStep(QWidget):
    """Name and seed of the run, and one form per step that trains."""

    def __init__(self, state: WizardState) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._state = state
        self._shown: tuple[str, ...] | None = None
        self.forms: dict[int, SettingsForm] = {}
        self.name = QLineEdit()
        self.seed = QLineEdit()
        self.seeds = QLineEdit()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._commit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        column.addWidget(self._variant_card())
        self._card = Card(self.tr("Training"), self.tr("what each step learns after its change"))
        content = plain()
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE.s)
        self._card.body.addWidget(scrolled(content), 1)
        column.addWidget(self._card, 1)

    def refresh(self) -> None:
        """Show the training settings of the recipe as it is now."""
        draft = self._state.flow.draft
        if self.name.text() != draft.name and not self.name.hasFocus():
            self.name.setText(draft.name)
        if not self.seed.hasFocus():
            self.seed.setText(str(draft.seed))
        if not self.seeds.hasFocus():
            self.seeds.setText(str(draft.seeds))
        wanted = tuple(step.method for step in draft.recipe.steps)
        if wanted != self._shown:
            self._shown = wanted
            self._rebuild()
            return
        for index, form in self.forms.items():
            if form.is_valid() and not self._settle.isActive():
                values = self._state.values(index)
                form.set_values({k: v for k, v in values.items() if v is not None})

    def _variant_card(self) -> Card:
        card = Card(self.tr("Variant"))
        self.name.setPlaceholderText(self.tr("chosen by EmoStudio"))
        self.name.setMaxLength(60)
        self.name.setAccessibleName(self.tr("Name of the variant"))
        self.seed.setAccessibleName(self.tr("Seed"))
        self.seeds.setAccessibleName(self.tr("Number of seeds"))
        for text, editor, width, words in (
            (self.tr("Name"), self.name, 260, self.tr("What lists and charts call it.")),
            (self.tr("Seed"), self.seed, 100, self.tr("The same seed gives the same variant.")),
            (
                self.tr("Seeds"),
                self.seeds,
                100,
                self.tr("How many variants, each from the next seed; 5 to rank methods."),
            ),
        ):
            row = QHBoxLayout()
            row.setSpacing(SPACE.m)
            caption = label(text, "body")
            caption.setFixedWidth(SPACE.label_column)
            caption.setBuddy(editor)
            editor.setFixedWidth(width)
            theme().set_font(editor, "body")
            row.addWidget(caption)
            row.addWidget(editor)
            row.addWidget(label(words, "small", "text3"), 1)
            card.body.addLayout(row)
        self.name.textEdited.connect(self._on_name)
        self.seed.textEdited.connect(lambda _text: self._on_seed())
        self.seeds.textEdited.connect(lambda _text: self._on_seed())
        return card

    def _rebuild(self) -> None:
        clear(self._column)
        self.forms = {}
        training = self._state.training_fields()
        for index, step in enumerate(self._state.flow.draft.recipe.steps):
            entry = self._state.entry(step.method)
            properties = entry.settings.get("properties", {})
            if not training & set(properties):
                continue
            if self.forms:
                self._column.addWidget(rule())
            number = index + 1
            self._column.addWidget(label(f"{number}  {entry.title}", "body_bold"))
            skip = [name for name in properties if name not in training]
            form = SettingsForm(entry.settings, self._state.values(index), skip)
            form.changed.connect(self._settle.start)
            form.valid_changed.connect(lambda _valid: self._on_valid_changed())
            self._column.addWidget(form)
            self.forms[index] = form
        if not self.forms:
            words = self.tr("No step of this recipe trains.")
            self._column.addWidget(label(words, "small", "text2"))
        self._column.addStretch(1)

    def _commit(self) -> None:
        for index, form in self.forms.items():
            if not form.is_valid():
                continue
            known, values = self._state.values(index), form.values()
            if any(known.get(name) != value for name, value in values.items()):
                step = self._state.flow.draft.recipe.steps[index]
                settings = {**step.settings, **values}
                self._change(index, self._state.without_defaults(step.method, settings))
        self._note_errors()

    def _change(self, index: int, settings: dict[str, object]) -> None:
        self._state.edit(lambda: self._state.flow.change_settings(index, settings))

    def _note_errors(self) -> None:
        errors = {index: form.first_error() for index, form in self.forms.items()}
        flow = self._state.flow

        def note() -> None:
            for index, error in errors.items():
                flow.set_settings_error(index, error)

        self._state.go(note)

    def _on_valid_changed(self) -> None:
        # What was typed must be taken over before anything writes into the form again.
        self._settle.start()
        self._note_errors()

    def _on_name(self, text: str) -> None:
        name = safe_name(text) if text.strip() else ""
        self._state.edit(lambda: self._state.flow.set_name(name), replan=False)

    def _on_seed(self) -> None:
        seed, seeds = self.seed.text(), self.seeds.text()
        if not (seed.isdigit() and seeds.isdigit()):
            return
        first, count = int(seed), int(seeds)
        if first <= _HIGHEST_SEED and 1 <= count <= _MOST_SEEDS:
            self._state.edit(lambda: self._state.flow.set_seed(first, count), replan=False)
