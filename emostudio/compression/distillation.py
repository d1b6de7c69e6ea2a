"""What the distillation methods share: a new network that learns from the teacher's answers."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Generator
from typing import Any, Literal

import torch
from pydantic import Field

from emostudio.compression import rules
from emostudio.compression.base import ApplyContext, Method, Planned, PlannedTraining
from emostudio.compression.fine_tuning import TrainingLimits
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.events import Event
from emostudio.core.model_info import ModelInfo
from emostudio.core.settings import setting
from emostudio.models import catalogue as architectures
from emostudio.models.loaded import LoadedModel
from emostudio.training.objectives import Objective
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher


class DistillationSettings(TrainingLimits):
    """The student, and how it is trained."""

    architecture: str = Field(
        "squeezenet1_1",
        title="Student",
        description="Architecture of the small network; any key of the architecture catalogue.",
        json_schema_extra={"unit": "", "advanced": False, "catalogue": "architectures"},
    )
    input_size: int = setting(
        0,
        title="Input size",
        help="Width and height of the student's input; 0 takes the teacher's.",
        unit="px",
        low=0,
        high=512,
    )
    channels: Literal[0, 1, 3] = setting(
        0, title="Input channels", help="3 for colour, 1 for grey; 0 takes the teacher's."
    )
    architecture_settings: str = setting(
        "",
        title="Further settings",
        help="Of the architecture, as bn=false stem_stride=1, separated by blanks; bn is on unless "
        "said otherwise.",
        advanced=True,
    )
    epochs: int = setting(
        40, title="Epochs", help="Passes over the training images.", low=0, high=10_000
    )
    learning_rate: float = setting(
        1e-3, title="Learning rate", help="Peak of AdamW's schedule.", low=1e-7, high=1.0
    )
    batch_size: int = setting(
        64, title="Batch size", help="Images per step.", unit="images", low=1, high=4096
    )
    weight_decay: float = setting(
        1e-2, title="Weight decay", help="Pull towards zero.", low=0.0, high=1.0, advanced=True
    )
    views: int = setting(
        0,
        title="Views per image",
        help="Number of different variations of each image, so that a slow teacher is asked only "
        "that often; 0 makes a new one at every pass.",
        low=0,
        high=1000,
        advanced=True,
    )


class DistillationMethod(Method[Any]):
    """Builds a student and trains it from the recipe's teacher, a black box included."""

    family = rules.DISTILLATION
    settings_type: type[Any] = DistillationSettings
    needs_layers: bool = False

    @abstractmethod
    def objective(self, teacher: Teacher, labels: tuple[Emotion, ...], settings: Any) -> Objective:
        """Return what the student learns from."""

    def plan(self, model: LoadedModel, settings: Any) -> Planned:
        """Predict the student: its size does not depend on the teacher."""
        info = _student_info(model, settings)
        with torch.device("meta"):
            student = architectures.build(info)
        planned = LoadedModel(info, module=student)
        return Planned(
            model=planned,
            trainings=(PlannedTraining(_training_settings(settings), asks_teacher=True),),
            notes=(f"{settings.architecture} learns from {model.info.name}",),
        )

    def apply(
        self, model: LoadedModel, settings: Any, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Train a fresh student; `model` only says what to recognise."""
        info = _student_info(model, settings)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.job.seed)
            student = architectures.build(info)
        if settings.epochs:
            classifier = context.open_classifier(context.teacher)
            try:
                yield from context.train(
                    student,
                    self.objective(Teacher(classifier), info.labels, settings),
                    context.training_data(),
                    info,
                    _training_settings(settings),
                    context.job,
                )
            finally:
                classifier.close()
        return LoadedModel(info, module=student.to("cpu").eval())


def _training_settings(settings: DistillationSettings) -> TrainingSettings:
    names = {
        "epochs", "learning_rate", "batch_size", "weight_decay", "views", "max_images",
        "time_limit_s",
    }  # fmt: skip
    values: dict[str, Any] = settings.model_dump(include=names)
    return TrainingSettings(**values, label_smoothing=0.0)


def _student_info(model: LoadedModel, settings: DistillationSettings) -> ModelInfo:
    before = model.info.preprocessing
    values: dict[str, Any] = {
        **_further_settings(settings.architecture_settings),
        "input_size": settings.input_size or max(before.height, before.width),
        "channels": settings.channels or before.channels,
    }
    chosen = architectures.ARCHITECTURES.get(settings.architecture).settings_type.model_fields
    if "bn" in chosen:  # SqueezeNet without it often never starts to learn small faces
        values.setdefault("bn", True)
    info = architectures.new_info(model.info.name, settings.architecture, values, model.info.labels)
    return info.model_copy(update={"recipe": model.info.recipe, "lineage": model.info.lineage})


def _further_settings(text: str) -> dict[str, str]:
    pairs = [pair for pair in re.split(r"[\s;,+|]+", text) if pair]
    for pair in pairs:
        if "=" not in pair:
            raise InputError(
                f"{pair} is no setting of an architecture", next_step="Write it as name=value"
            )
    return dict(pair.split("=", 1) for pair in pairs)
