"""What the distillation methods share: a new network that learns from the teacher's answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from emostudio.compression import rules
from emostudio.compression.agreement import agreement
from emostudio.compression.base import ApplyContext, Method, Planned, PlannedTraining
from emostudio.compression.fine_tuning import TrainingLimits
from emostudio.core.emotions import Emotion
from emostudio.core.events import Event
from emostudio.core.model_info import ModelInfo
from emostudio.core.settings import setting, settings_from_text
from emostudio.models import catalogue as architectures
from emostudio.models.loaded import LoadedModel
from emostudio.training.batches import Batches
from emostudio.training.objectives import Objective
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import LabelsOf, Teacher


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

    def prepared_objective(
        self, teacher: Teacher, info: ModelInfo, settings: Any, context: ApplyContext
    ) -> Objective:
        """Return what the student learns from, after a look at the pictures if that is needed."""
        del context
        return self.objective(teacher, info.labels, settings)

    def plan(self, model: LoadedModel, settings: Any) -> Planned:
        """Predict the student: its size does not depend on the teacher."""
        return Planned(
            model=planned_student(model, settings),
            trainings=(PlannedTraining(training_settings(settings), asks_teacher=True),),
            notes=(f"{settings.architecture} learns from {model.info.name}",),
        )

    def apply(
        self, model: LoadedModel, settings: Any, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Train a fresh student; `model` only says what to recognise."""
        info, student = new_student(model, settings, context)
        if settings.epochs:
            classifier = context.open_classifier(context.teacher)
            try:
                teacher = Teacher(classifier)
                objective = self.prepared_objective(teacher, info, settings, context)
                yield from train_student(student, objective, teacher, info, settings, context)
            finally:
                classifier.close()
        return LoadedModel(info, module=student.to("cpu").eval())


def planned_student(model: LoadedModel, settings: DistillationSettings) -> LoadedModel:
    """Return the student of `model` without values."""
    info = _student_info(model, settings)
    with torch.device("meta"):
        return LoadedModel(info, module=architectures.build(info))


def new_student(
    model: LoadedModel, settings: DistillationSettings, context: ApplyContext
) -> tuple[ModelInfo, nn.Module]:
    """Return a student's description and the student, drawn from the job's seed."""
    info = _student_info(model, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.job.seed)
        return info, architectures.build(info)


def train_student(
    student: nn.Module,
    objective: Objective,
    teacher: Teacher,
    info: ModelInfo,
    settings: DistillationSettings,
    context: ApplyContext,
) -> Generator[Event, None, None]:
    """Train a student in place, then say how far it agrees with its teacher.

    Parameters
    ----------
    student
        On the CPU; back there afterwards.
    objective
        What it learns from.
    teacher
        Asked for labels once more at the end.
    info
        The student's labels and preprocessing.
    settings, context
        The step's.
    """
    dataset, chosen = context.training_data(), training_settings(settings)
    yield from context.train(student, objective, dataset, info, chosen, context.job)
    student.to("cpu").eval()
    batches = Batches(dataset, info, chosen, context.job, needs_labels=False)
    held_out = batches.validation_batches()
    told = agreement(student, info, LabelsOf(teacher), held_out, context.job)
    if told is not None:
        yield from told


def training_settings(settings: DistillationSettings, **changes: Any) -> TrainingSettings:
    """Return how a student is trained, with `changes` to the settings of the loop."""
    names = {
        "epochs", "learning_rate", "batch_size", "weight_decay", "views", "max_images",
        "time_limit_s",
    }  # fmt: skip
    values: dict[str, Any] = settings.model_dump(include=names)
    return TrainingSettings(**{**values, "label_smoothing": 0.0, **changes})


def _student_info(model: LoadedModel, settings: DistillationSettings) -> ModelInfo:
    before = model.info.preprocessing
    values: dict[str, Any] = {
        **settings_from_text(settings.architecture_settings, "an architecture"),
        "input_size": settings.input_size or max(before.height, before.width),
        "channels": settings.channels or before.channels,
    }
    chosen = architectures.ARCHITECTURES.get(settings.architecture).settings_type.model_fields
    if "bn" in chosen:  # SqueezeNet without it often never starts to learn small faces
        values.setdefault("bn", True)
    info = architectures.new_info(model.info.name, settings.architecture, values, model.info.labels)
    return info.model_copy(update={"recipe": model.info.recipe, "lineage": model.info.lineage})
