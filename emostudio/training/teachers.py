"""A teacher answers about batches; what it is and where it runs stays hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.training.batches import Batch


class LabelSource(Protocol):
    """All that labels-only distillation ever sees of a teacher."""

    @property
    def labels(self) -> tuple[Emotion, ...]:
        """Emotions in the order of the teacher's answers."""

    def predict_labels(self, batch: Batch) -> torch.Tensor:
        """Return the most probable class of each picture, int64 (N,) in the teacher's order."""


class ProbabilitySource(LabelSource, Protocol):
    """A teacher that also tells its probabilities."""

    def probabilities(self, batch: Batch) -> torch.Tensor:
        """Return probabilities, float32 (N, K) in the teacher's order."""


class PixelClassifier(Protocol):
    """The part of `inference.classifier.Classifier` that a teacher needs."""

    info: ModelInfo

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities (N, K) for input pixels (N, H, W, C)."""


class Teacher:
    """A classifier that is asked about batches, with its own preprocessing.

    It sees the same variation of the same pictures as the student. Where a view comes again
    (no augmentation, or a fixed number of views), each picture is asked about only once.

    Parameters
    ----------
    classifier
        Any engine, white box or black box.
    """

    def __init__(self, classifier: PixelClassifier) -> None:
        self._classifier = classifier
        self._kept: dict[tuple[int, int], NDArray[np.float32]] = {}
        self._last: tuple[Batch, torch.Tensor] | None = None

    @property
    def labels(self) -> tuple[Emotion, ...]:
        """Emotions in the order of the answers."""
        return self._classifier.info.labels

    @property
    def preprocessing(self) -> Preprocessing:
        """The teacher's own input."""
        return self._classifier.info.preprocessing

    def predict_labels(self, batch: Batch) -> torch.Tensor:
        """Return the most probable class of each picture, int64 (N,) in the teacher's order."""
        return self.probabilities(batch).argmax(dim=1)

    def probabilities(self, batch: Batch) -> torch.Tensor:
        """Return probabilities, float32 (N, K) in the teacher's order."""
        if not batch.repeats:
            # several heads of one student ask about the same batch
            if self._last is None or self._last[0] is not batch:
                self._last = batch, torch.from_numpy(self._ask(batch))
            return self._last[1]
        return torch.from_numpy(np.stack([self._answer(batch, item) for item in batch.items]))

    def _answer(self, batch: Batch, item: np.int64) -> NDArray[np.float32]:
        key = (batch.view, int(item))
        if key not in self._kept:
            # One picture at a time: in company, the last bits of an answer depend on the others,
            # and a resumed run asks in other company.
            self._kept[key] = self._ask(replace(batch, items=np.array([item])))[0]
        return self._kept[key]

    def _ask(self, batch: Batch) -> NDArray[np.float32]:
        threads = torch.get_num_threads()
        answers = self._classifier.probabilities(batch.pixels(self.preprocessing))
        # An engine may set threads for the whole process; the student's sums depend on them.
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return np.asarray(answers, dtype=np.float32)


class LabelsOf:
    """The labels of a teacher and nothing else; its probabilities cannot be reached."""

    def __init__(self, teacher: LabelSource) -> None:
        self._predict_labels = teacher.predict_labels
        self._labels = teacher.labels

    @property
    def labels(self) -> tuple[Emotion, ...]:
        """Emotions in the order of the answers."""
        return self._labels

    def predict_labels(self, batch: Batch) -> torch.Tensor:
        """Return the most probable class of each picture, int64 (N,) in the teacher's order."""
        return self._predict_labels(batch)


class SharedClasses:
    """The classes that a teacher and a student both know, by name.

    Attributes
    ----------
    student, teacher
        Columns of the shared classes in either one's order, int64 (S,).

    Raises
    ------
    InputError
        If fewer than two classes are shared.
    """

    def __init__(self, student: tuple[Emotion, ...], teacher: tuple[Emotion, ...]) -> None:
        shared = [emotion for emotion in student if emotion in teacher]
        if len(shared) < 2:
            raise InputError(
                "Teacher and student share fewer than two classes",
                why=f"the teacher knows {', '.join(teacher)}, the student {', '.join(student)}",
                next_step="Choose labels for the student that the teacher knows",
            )
        self.student = torch.tensor([student.index(emotion) for emotion in shared])
        self.teacher = torch.tensor([teacher.index(emotion) for emotion in shared])
        self._places = torch.full((len(teacher),), -1, dtype=torch.int64)
        self._places[self.teacher] = torch.arange(len(shared))

    def shared_place(self, teacher_labels: torch.Tensor) -> torch.Tensor:
        """Return the place among the shared classes of teacher labels (N,); -1 if not shared."""
        return self._places[teacher_labels]
