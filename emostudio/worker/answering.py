"""Keeps what models said to single pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emostudio.core.comparing import ModelChanges
from emostudio.core.errors import EmoStudioError
from emostudio.data.dataset import Dataset
from emostudio.data.opening import open_dataset
from emostudio.evaluation.accuracy import Evaluation
from emostudio.evaluation.changes import changes
from emostudio.workspace.answer_files import AnswerFile, ModelAnswers, find_answers, write_answers
from emostudio.workspace.records import ModelRecord
from emostudio.workspace.store import Workspace


def keep_answers(
    folder: Path, dataset: Dataset, split: str, evaluations: Sequence[Evaluation]
) -> None:
    """Keep the answers of one evaluation in its run's folder."""
    models = {
        evaluation.result.model: ModelAnswers(
            images=tuple(evaluation.images.tolist()),
            answers=tuple(evaluation.answers.tolist()),
            confidences=tuple(round(float(sure), 4) for sure in evaluation.confidences),
        )
        for evaluation in evaluations
    }
    found = AnswerFile(
        dataset=dataset.name,
        split=split,
        samples=len(dataset),
        models=models,
        fingerprint=dataset.fingerprint,
    )
    write_answers(folder, found)


def known_changes(
    workspace: Workspace, models: Sequence[ModelRecord], dataset: str, split: str
) -> tuple[ModelChanges, ...]:
    """Return what variants judge otherwise than the first model, nothing where it is not known."""
    if len(models) < 2 or dataset not in {record.name for record in workspace.datasets()}:
        return ()
    answers = find_answers(workspace, models, dataset, split)
    if answers is None:
        return ()
    try:
        opened = open_dataset(dataset, workspace.datasets_folder)
        return changes(opened, answers, [model.name for model in models])
    except EmoStudioError:  # a report without faces is better than none
        return ()
