"""What every model said to every picture: kept in the run that asked, for later comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.core.atomic import write_text
from emostudio.workspace.records import ModelRecord
from emostudio.workspace.store import Workspace

ANSWERS_FILE = "answers.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelAnswers(_Frozen):
    """The answers of one model, in the order of `images`.

    Attributes
    ----------
    images
        Places in the dataset, ascending.
    answers
        Places of the emotions named, in canonical order.
    confidences
        Of the emotions named, in [0, 1].
    """

    images: tuple[int, ...]
    answers: tuple[int, ...]
    confidences: tuple[float, ...]


class AnswerFile(_Frozen):
    """One evaluation.

    Attributes
    ----------
    samples, fingerprint
        All pictures of the dataset as it was then: their number, and the dataset's fingerprint;
        empty in files that were written before it was kept.
    """

    dataset: str
    split: str
    samples: int
    models: dict[str, ModelAnswers]
    fingerprint: str = ""


def write_answers(folder: Path, answers: AnswerFile) -> None:
    """Keep answers in a run's folder."""
    write_text(folder / ANSWERS_FILE, answers.model_dump_json())


def find_answers(
    workspace: Workspace, models: Sequence[ModelRecord], dataset: str, split: str
) -> AnswerFile | None:
    """Return the newest answers that all of these models gave to one split in one run, or None.

    A model that was made after the run under the same name is not the one that answered.
    """
    youngest = max(model.created for model in models)
    names = {model.name for model in models}
    for run in sorted(workspace.runs(), key=lambda run: run.created, reverse=True):
        ended = run.ended or run.created
        file = run.folder / ANSWERS_FILE
        if ended < youngest or not file.is_file():
            continue
        try:
            found = AnswerFile.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            continue
        if (found.dataset, found.split) == (dataset, split) and names <= set(found.models):
            return found
    return None
