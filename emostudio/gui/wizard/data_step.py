"""Wizard step: on which images the recipe trains and is judged."""

from __future__ import annotations

from emostudio.core.emotions import EMOTIONS
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.note import Note
from emostudio.gui.wizard.choice_list import Choice, ChoiceList
from emostudio.gui.wizard.state import WizardState
from emostudio.workspace.records import DatasetRecord

SYNTHETIC = "synthetic"


class DataStep(Card):
    """The datasets of the workspace, and the synthetic faces that are always there."""

    def __init__(self, state: WizardState) -> None:
        super().__init__(state.tr("Which images should it learn from?"))
        self._wizard = state
        self.list = ChoiceList(self.tr("Datasets"))
        self.list.chosen.connect(self._on_chosen)
        self.list.confirmed.connect(lambda _key: state.go(state.flow.next))
        self.note = Note()
        self.body.addWidget(self.note)
        self.body.addWidget(self.list, 1)
        self._datasets: dict[str, DatasetRecord] = {}

    def refresh(self) -> None:
        """Read the datasets again."""
        found = self._wizard.studio.workspace.datasets()
        self._datasets = {dataset.name: dataset for dataset in found}
        choices = [_choice(dataset) for dataset in found]
        choices.append(
            Choice(SYNTHETIC, self.tr("Synthetic faces"),
                   self.tr("drawn here from a seed, all eight emotions; no download"), "", "face")
        )  # fmt: skip
        self.list.show_choices(choices, self._wizard.flow.draft.data)
        self._compare_labels()

    def _on_chosen(self, key: str) -> None:
        self._wizard.edit(lambda: self._wizard.flow.choose_data(key))
        self._compare_labels()

    def _compare_labels(self) -> None:
        draft = self._wizard.flow.draft
        models = {model.name: model for model in self._wizard.studio.workspace.models()}
        self.note.show_note("info", "")
        if draft.teacher not in models or not draft.data:
            return
        dataset = self._datasets.get(draft.data)
        labels = tuple(dataset.labels) if dataset is not None else tuple(EMOTIONS)
        known = tuple(models[draft.teacher].info.labels)
        self._wizard.flow.set_shared_labels(known, labels)
        foreign = sorted(set(map(str, known)) - set(map(str, labels)))
        if foreign:
            self.note.show_note(
                "warn",
                self.tr("No images of {0}.").format(", ".join(foreign)),
                self.tr("The teacher knows these emotions, the dataset does not hold them."),
            )


def data_title(argument: str) -> str:
    """Return what lists call a data argument."""
    return "Synthetic faces" if argument == SYNTHETIC else argument


def _choice(dataset: DatasetRecord) -> Choice:
    facts = f"{len(dataset.labels)} emotions, {dataset.reader.replace('_', ' ')}"
    return Choice(dataset.name, dataset.name, facts, f"{dataset.samples:,} images", "data")
