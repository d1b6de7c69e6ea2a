"""What a teacher says about a dataset's pictures, and how often its student says the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.core.emotions import Emotion
from emostudio.core.events import Agreement, Note
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo
from emostudio.training.batches import Batch
from emostudio.training.teachers import LabelSource


def teacher_labels(
    teacher: LabelSource, batches: Sequence[Batch], job: JobContext, message: str
) -> NDArray[np.int64]:
    """Ask a teacher for the label of every picture, its probabilities staying unseen.

    Parameters
    ----------
    teacher
        Asked batch by batch.
    batches
        The pictures.
    job
        Told of the progress as `message`; may cancel.

    Returns
    -------
    Places in the teacher's labels, shape (N,).
    """
    labels = [np.empty(0, dtype=np.int64)]
    for number, batch in enumerate(batches):
        job.report(number / len(batches), message)
        labels.append(teacher.predict_labels(batch).cpu().numpy())
    return np.concatenate(labels)


def balancing_weights(labels: NDArray[np.int64], class_count: int) -> torch.Tensor:
    """Return the weight of each class: the root of its rarity, one on the average picture.

    Parameters
    ----------
    labels
        Labels of the pictures, shape (N,).
    class_count
        Number of classes K; those without a picture get weight 0.

    Returns
    -------
    float32 (K,).
    """
    counts = np.bincount(labels, minlength=class_count).astype(np.float64)
    if not counts.any():
        return torch.ones(class_count)
    weights = np.where(counts > 0, 1.0 / np.sqrt(np.maximum(counts, 1.0)), 0.0)
    return torch.from_numpy(weights * counts.sum() / (weights * counts).sum()).float()


def agreement(
    student: nn.Module,
    info: ModelInfo,
    teacher: LabelSource,
    batches: Sequence[Batch],
    job: JobContext,
) -> tuple[Agreement, Note] | None:
    """Say on how many held-out pictures a student answers as its teacher does.

    Agreement is all there is to see on pictures without labels; where some have one, the share
    of right answers stands beside it. Neither can be read for the other.

    Parameters
    ----------
    student
        Raw logits out, on the CPU.
    info
        Its labels and preprocessing.
    teacher
        Asked for labels only.
    batches
        Pictures that were not trained on; without any there is nothing to say.
    job
        Told of the progress; may cancel.

    Returns
    -------
    The share, and the same in words.
    """
    if not batches:
        return None
    asked = teacher_labels(teacher, batches, job, "Comparing the student with its teacher")
    answered = np.concatenate([_answers(student.eval(), batch, info) for batch in batches])
    theirs, ours = _names(teacher.labels)[asked], _names(info.labels)[answered]
    truth = np.concatenate([batch.targets.numpy() for batch in batches])
    known = truth >= 0
    why = ""
    if known.any():
        true_names = _names(info.labels)[truth[known]]
        why = (
            f"of the {int(known.sum())} labelled ones the student gets "
            f"{np.mean(ours[known] == true_names):.1%} right, the teacher "
            f"{np.mean(theirs[known] == true_names):.1%}"
        )
    share = float(np.mean(theirs == ours))
    what = f"Student and teacher agree on {share:.1%} of {len(ours)} held-out pictures"
    return Agreement(share=share, images=len(ours)), Note(what=what, why=why)


@torch.no_grad()
def _answers(student: nn.Module, batch: Batch, info: ModelInfo) -> NDArray[np.int64]:
    answers: NDArray[np.int64] = student(batch.inputs(info.preprocessing)).argmax(dim=1).numpy()
    return answers


def _names(labels: tuple[Emotion, ...]) -> NDArray[np.str_]:
    return np.array([label.value for label in labels])
