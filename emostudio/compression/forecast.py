"""How long the trainings of a recipe will take on this machine."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn

from emostudio.compression.base import PlannedTraining
from emostudio.core.job_context import JobContext
from emostudio.data.base import Split
from emostudio.inference.catalogue import open_classifier
from emostudio.models.loaded import LoadedModel
from emostudio.training.objectives import Objective, SoftmaxKld, Supervised
from emostudio.training.pace import Pace, measure_pace
from emostudio.training.teachers import Teacher

Counts = Mapping[str, Mapping[str, int]]
"""Pictures by split and emotion, as in a `DataReport`."""


class Stopwatch:
    """Measures each kind of training once and remembers its pace."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}

    def pace(
        self,
        model: LoadedModel,
        training: PlannedTraining,
        teacher: LoadedModel,
        context: JobContext,
    ) -> Pace:
        """Return how fast a training is, measured where its like was not measured before.

        Parameters
        ----------
        model
            What is trained; its values do not matter and may be missing.
        training
            Settings, and whether the teacher is asked.
        teacher
            Gives the answers where it is asked.
        context
            Device and threads; its report may cancel.
        """
        key = _key(model, training, teacher, context)
        if key not in self._paces:
            with _objective(training, model, teacher, context.threads) as objective:
                self._paces[key] = measure_pace(
                    with_any_values(model.network()),
                    objective,
                    model.info,
                    training.settings,
                    context,
                )
        return self._paces[key]


@dataclass(frozen=True)
class Forecast:
    """Says how long planned trainings take on a dataset.

    Attributes
    ----------
    teacher
        The recipe's.
    counts
        Pictures of the dataset.
    context
        Device and threads of the training; its report may cancel.
    stopwatch
        Knows what was measured before.
    """

    teacher: LoadedModel
    counts: Counts
    context: JobContext
    stopwatch: Stopwatch

    def seconds(self, model: LoadedModel, training: PlannedTraining) -> float:
        """Return how long one training of `model` takes."""
        if not training.settings.epochs:
            return 0.0
        is_labelled = self._images(Split.TRAIN, model, with_unlabelled=False) > 0
        training = replace(training, asks_teacher=training.asks_teacher or not is_labelled)
        pace = self.stopwatch.pace(model, training, self.teacher, self.context)
        images = [
            self._images(split, model, with_unlabelled=training.asks_teacher)
            for split in (Split.TRAIN, Split.VALIDATION)
        ]
        return pace.seconds(training.settings, *images)

    def _images(self, split: Split, model: LoadedModel, *, with_unlabelled: bool) -> int:
        counts = self.counts.get(split.word, {})
        if with_unlabelled:
            return sum(counts.values())
        return sum(counts.get(label, 0) for label in model.info.labels)


@contextmanager
def _objective(
    training: PlannedTraining, model: LoadedModel, teacher: LoadedModel, threads: int
) -> Iterator[Objective]:
    """Open a loss that costs what the training's own costs."""
    if not training.asks_teacher:
        yield Supervised()
        return
    classifier = open_classifier(teacher, threads=threads)
    try:
        yield SoftmaxKld(Teacher(classifier), model.info.labels)
    finally:
        classifier.close()


def with_any_values(network: nn.Module) -> nn.Module:
    """Return a copy that can be trained, of a network that may have no values."""
    made = copy.deepcopy(network).to_empty(device="cpu")
    for tensor in (*made.parameters(), *made.buffers()):
        torch.nn.init.zeros_(tensor)
    for layer in made.modules():
        reset = getattr(layer, "reset_parameters", None)
        if reset is not None:
            reset()
    return made


def _key(
    model: LoadedModel, training: PlannedTraining, teacher: LoadedModel, context: JobContext
) -> str:
    """Return a word for all that decides the pace; values of weights do not."""
    irrelevant = {"epochs", "time_limit_s", "max_images", "learning_rate", "warmup_epochs"}
    document = {
        "model": _kind(model),
        "teacher": _kind(teacher) if training.asks_teacher else "",
        "settings": training.settings.model_dump(mode="json", exclude=irrelevant),
        "machine": [context.device, context.threads],
    }
    return json.dumps(document, sort_keys=True)


def _kind(model: LoadedModel) -> str:
    parts = {"architecture", "architecture_settings", "structure", "labels", "preprocessing"}
    graph = hashlib.sha256(model.onnx_bytes or b"").hexdigest()
    modules = () if model.module is None else model.module.modules()
    layers = " ".join(type(layer).__name__ for layer in modules)
    return model.info.model_dump_json(include=parts) + graph + layers
