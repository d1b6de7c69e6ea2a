"""FitNets: a thin student first learns to see like its teacher, then to answer like it.

Use it where the teacher's layers are known and plain distillation leaves a deep, thin student
behind. Stage 1 trains the student up to a middle layer so that a 1x1 convolution can guess the
teacher's feature maps from it; the convolution is then thrown away. Stage 2 is distillation of the
whole student, the teacher's weight falling from 4 to 1.

References
----------
.. [1] Romero, Ballas, Kahou, Chassang, Gatta and Bengio, "FitNets: hints for thin deep nets",
   arXiv:1412.6550, 2015.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import nn

from emostudio.compression.base import ApplyContext, Planned, PlannedTraining
from emostudio.compression.distillation import (
    DistillationMethod,
    DistillationSettings,
    new_student,
    planned_student,
    train_student,
    training_settings,
)
from emostudio.compression.hints import HintedStudent, HintLoss, feature_shape, middle_layer
from emostudio.compression.surgery import skeleton
from emostudio.core.emotions import Emotion
from emostudio.core.events import EpochDone, Event, Note
from emostudio.core.machine_card import STUDENT
from emostudio.core.model_info import ModelInfo
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel
from emostudio.training.batches import Batches
from emostudio.training.objectives import AnnealedDistillation, Objective
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher

_MIDDLES = {"squeezenet1_0": "fire6", "squeezenet1_1": "fire6"}
"""Middle layers that are not the middle child of their network."""

_STANDARDISED_BATCHES = 2
"""Batches of pictures over which the hint's channels are measured: 512 pictures."""


class FitnetsSettings(DistillationSettings):
    """The student, where it takes its hints, and both stages of its training."""

    hint_layer: str = setting(
        "",
        title="Teacher's layer",
        help="Layer of the teacher that gives the hint; empty takes the middle, relu4 of a VGG-S.",
    )
    guided_layer: str = setting(
        "",
        title="Student's layer",
        help="Layer of the student that takes it; empty takes the middle, fire6 of a SqueezeNet.",
    )
    hint_epochs: int = setting(
        15,
        title="Hint epochs",
        help="Passes of the first stage, up to the guided layer; 0 skips it.",
        low=0,
        high=10_000,
    )
    hint_learning_rate: float = setting(
        1e-3,
        title="Hint learning rate",
        help="Peak of Adam's schedule in the first stage.",
        low=1e-7,
        high=1.0,
        advanced=True,
    )
    temperature: float = setting(
        3.0, title="Temperature", help="Softens both answers in stage 2.", low=0.1, high=100.0
    )
    first_weight: float = setting(
        4.0,
        title="Teacher's first weight",
        help="Weight of the teacher, the labels having 1, when stage 2 begins.",
        low=0.0,
        high=100.0,
    )
    last_weight: float = setting(
        1.0,
        title="Teacher's last weight",
        help="The same when stage 2 ends; in between it falls in a straight line.",
        low=0.0,
        high=100.0,
    )


@dataclass(frozen=True)
class _Guidance:
    """Which layer gives the hint and which takes it, with the shapes (C, H, W) of both."""

    hint_layer: str
    hint_shape: tuple[int, int, int]
    guided_layer: str
    guided_shape: tuple[int, int, int]


class Fitnets(DistillationMethod):
    """Half the squared distance of a hint, then cross-entropy + lambda T^2 divergence."""

    key = "fitnets"
    title = "FitNets"
    summary = "Train a small network on the teacher's middle layer first, then on its answers."
    reference = "Romero et al., arXiv:1412.6550"
    settings_type = FitnetsSettings
    decided_by = STUDENT
    refuses_black_box = (
        "its hints come from a layer inside the teacher, and only the outputs of a black box are "
        "known; choose another kind of distillation"
    )

    def objective(
        self, teacher: Teacher, labels: tuple[Emotion, ...], settings: FitnetsSettings
    ) -> Objective:
        """Return the loss of stage 2."""
        weights = (settings.first_weight, settings.last_weight)
        return AnnealedDistillation(teacher, labels, settings.temperature, weights)

    def plan(self, model: LoadedModel, settings: FitnetsSettings) -> Planned:
        """Predict the student, and which layers teach which."""
        student = planned_student(model, settings)
        found = _guidance(model, student, settings)
        trainings = (_hint_training(settings), training_settings(settings))
        giver, taker = f"{found.hint_layer} {found.hint_shape}", found.guided_layer
        return Planned(
            model=student,
            trainings=tuple(PlannedTraining(training, asks_teacher=True) for training in trainings),
            notes=(
                f"{settings.architecture} learns from {model.info.name}",
                f"{taker} {found.guided_shape} is guided by {giver}",
            ),
        )

    def apply(
        self, model: LoadedModel, settings: FitnetsSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Train a fresh student in two stages."""
        info, student = new_student(model, settings, context)
        if settings.hint_epochs:
            yield from _learn_hints(student, info, settings, context)
        if settings.epochs:
            classifier = context.open_classifier(context.teacher)
            try:
                teacher = Teacher(classifier)
                objective = self.objective(teacher, info.labels, settings)
                inside = context.inside("answers")
                yield from train_student(student, objective, teacher, info, settings, inside)
            finally:
                classifier.close()
        return LoadedModel(info, module=student.to("cpu").eval())


def _learn_hints(
    student: nn.Module, info: ModelInfo, settings: FitnetsSettings, context: ApplyContext
) -> Generator[Event, None, None]:
    """Train the student up to its guided layer, in place; what comes after stays as it is."""
    job, dataset = context.inside("hints").job, context.training_data()
    found = _guidance(context.teacher, planned_student(context.teacher, settings), settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed)
        channels = (found.guided_shape[0], found.hint_shape[0])
        hinted = HintedStudent(student, found.guided_layer, *channels)
    training = _hint_training(settings)
    before, side = context.teacher.info.preprocessing, found.guided_shape[1:]
    loss = HintLoss(context.teacher.network(), found.hint_layer, before, side, job.device)
    batches = Batches(dataset, info, training, job, needs_labels=False)
    loss.standardise(batches.unvaried_batches()[:_STANDARDISED_BATCHES], job)
    for event in context.train(hinted, loss, dataset, info, training, job):
        yield _without_errors(event)
    student.to("cpu")


def _without_errors(event: Event) -> Event:
    """Tell an epoch in words: a stage without answers has no error that could be shown."""
    if not isinstance(event, EpochDone):
        return event
    text = f"Hint epoch {event.epoch} of {event.epochs}: distance {event.train_loss:.4g}"
    if event.validation_loss is not None:
        text += f", {event.validation_loss:.4g} on held-out pictures"
    return Note(what=text)


def _guidance(model: LoadedModel, student: LoadedModel, settings: FitnetsSettings) -> _Guidance:
    """Choose both layers and find the shapes of what leaves them; no values are read."""
    teacher = skeleton(model).network()
    hint = settings.hint_layer or _middle(teacher, model.info)
    guided = settings.guided_layer or _middle(student.network(), student.info)
    return _Guidance(
        hint,
        feature_shape(teacher, hint, model.input_shape),
        guided,
        feature_shape(student.network(), guided, student.input_shape),
    )


def _middle(network: nn.Module, info: ModelInfo) -> str:
    known = _MIDDLES.get(info.architecture, "")
    return known if known and not info.structure else middle_layer(network)


def _hint_training(settings: FitnetsSettings) -> TrainingSettings:
    return training_settings(
        settings,
        epochs=settings.hint_epochs,
        learning_rate=settings.hint_learning_rate,
        weight_decay=0.0,  # AdamW without it is Adam
        clip_norm=0.0,  # a sum over thousands of features has a long gradient, and Adam rescales it
        ema_decay=0.0,
        early_stop_patience=0,
        keep="last",
    )


METHOD = Fitnets()
