"""The pictures of a study: opened once, with what readers of its results must know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emostudio.data.base import Split
from emostudio.data.dataset import Dataset, is_dataset_folder
from emostudio.data.importing import import_dataset
from emostudio.data.opening import is_synthetic, request_for
from emostudio.data.without_labels import without_labels
from emostudio.paper.parts import NO_LABELS
from emostudio.paper.study import DataFacts
from emostudio.worker.context import HandlerContext
from emostudio.worker.resolve import open_data, register_dataset


class StudyData:
    """Opens data arguments.

    Parameters
    ----------
    context
        The job's.
    most_held_out
        Pictures that watch a training at most; 0 for all that the reader keeps back. Every epoch
        looks at all of them, so that many of them cost more than the training itself.
    """

    def __init__(self, context: HandlerContext, most_held_out: int) -> None:
        self._context = context
        self._most = most_held_out
        self._opened: dict[str, Dataset] = {}

    def name(self, argument: str) -> str:
        """Return the name in the workspace under which an argument's pictures are found."""
        return self.open(argument).folder.name

    def open(self, argument: str) -> Dataset:
        """Return the pictures.

        Raises
        ------
        InputError
            If the argument names nothing that can be read.
        """
        if argument not in self._opened:
            self._opened[argument] = self._found(argument)
        return self._opened[argument]

    def fingerprint(self, argument: str | None) -> str | None:
        """Return the fingerprint of the pictures behind an argument; None without one."""
        return None if argument is None else self.open(argument).fingerprint

    def _found(self, argument: str) -> Dataset:
        if not argument.startswith(NO_LABELS):
            dataset = open_data(argument, self._context)
            return self._watched_by_fewer(argument, dataset)
        workspace = self._context.workspace
        labelled = self.open(argument.removeprefix(NO_LABELS))
        bare = without_labels(labelled, workspace.datasets_folder)
        register_dataset(bare, workspace)
        return bare

    def _watched_by_fewer(self, argument: str, dataset: Dataset) -> Dataset:
        workspace = self._context.workspace
        held_out = len(dataset.indices(Split.VALIDATION))
        is_named = dataset.folder.name == argument or is_dataset_folder(Path(argument))
        if not self._most or held_out <= self._most or is_named or is_synthetic(argument):
            return dataset
        # the pictures it was made from are in its name: others have another one
        name = f"{dataset.folder.name}-{self._most}-held-out-{dataset.fingerprint[:8]}"
        folder = workspace.datasets_folder / name
        if is_dataset_folder(folder):
            return Dataset(folder)
        share = self._most / (held_out + len(dataset.indices(Split.TRAIN)))
        settings = {"validation_share": round(max(share, 0.01), 4)}
        request = request_for(argument, dataset.reader, settings)
        made = import_dataset(
            replace(request, name=folder.name),
            workspace.datasets_folder,
            self._context.control.report,
        )
        register_dataset(made, workspace)
        return made


def data_facts(dataset: Dataset) -> DataFacts:
    """Return what must be told of a dataset."""
    report = dataset.report
    return DataFacts(
        name=dataset.name,
        reader=dataset.reader,
        train_images=len(dataset.indices(Split.TRAIN)),
        held_out_images=len(dataset.indices(Split.VALIDATION)),
        test_images=len(dataset.indices(Split.TEST)),
        labels=tuple(label.value for label in dataset.labels),
        subjects=report.subjects,
        split_policy=report.split_policy,
        fingerprint=dataset.fingerprint,
    )
