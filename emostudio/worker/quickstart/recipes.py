"""What the quickstart makes: variants that differ for real reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emostudio.core.recipe import Recipe, RecipeStep

MANY_EPOCHS = 400
"""More than any time limit allows: the limit decides, and the schedule is fitted to it."""

STUDENT = "squeezenet1_1"
STUDENT_NAME = "squeezenet-distilled"


@dataclass(frozen=True)
class Wanted:
    """One variant to make.

    Attributes
    ----------
    name
        What to call it.
    method
        Catalogue key of its method.
    weight
        Share of the training time relative to the others.
    parent
        Name of the wanted variant it starts from; empty for the teacher.
    trainings
        Trainings within the method: a time limit holds for each of them.
    """

    name: str
    method: str
    weight: float
    parent: str = ""
    trainings: int = 1


FROM_LAYERS = (
    Wanted(STUDENT_NAME, "distill_softmax", weight=3.0),
    Wanted("deep-compression", "deep_compression", weight=2.0, trainings=2),
    Wanted("cp", "cp", weight=2.0),
    Wanted(
        "squeezenet-deep-compression", "deep_compression", weight=1.4, parent=STUDENT_NAME,
        trainings=2,
    ),
)  # fmt: skip
"""For a teacher whose layers are known; the last one combines two methods."""

FROM_OUTPUTS = (
    Wanted(STUDENT_NAME, "distill_softmax", weight=4.0),
    Wanted("squeezenet-labels-only", "distill_labels", weight=3.0),
    Wanted(
        "squeezenet-deep-compression", "deep_compression", weight=1.5, parent=STUDENT_NAME,
        trainings=2,
    ),
    Wanted("squeezenet-cp", "cp", weight=1.5, parent=STUDENT_NAME),
)  # fmt: skip
"""For a black box: methods that change layers start from the distilled student."""

_DISTILLATION: dict[str, Any] = {
    "architecture": STUDENT,
    # Without batch normalisation, SqueezeNet spends the first minutes learning nothing.
    "architecture_settings": "bn=true dropout=0.2",
    "epochs": MANY_EPOCHS,
    "learning_rate": 3e-3,
}

_FIXED: dict[str, dict[str, Any]] = {
    "distill_softmax": _DISTILLATION,
    "distill_labels": _DISTILLATION,
    "deep_compression": {
        "epochs": MANY_EPOCHS,
        "centroid_epochs": MANY_EPOCHS,
        "distillation_weight": 0.5,
    },
    "cp": {
        "epochs": MANY_EPOCHS,
        "epochs_per_layer": 0,
        "distillation_weight": 0.5,
        "sweeps": 25,
        "budget": 0.25,
    },
}


@dataclass(frozen=True)
class Student:
    """How students are built and fed.

    Attributes
    ----------
    input_size, channels
        Geometry of the student's input.
    views
        How often a slow teacher is asked about each picture; 0 asks every time.
    max_images
        Pictures per epoch, 0 for all.
    """

    input_size: int
    channels: int
    views: int = 0
    max_images: int = 0


def recipe_for(wanted: Wanted, training_s: float, student: Student) -> Recipe:
    """Return the recipe of one variant, its trainings limited to `training_s` together."""
    settings = dict(_FIXED[wanted.method])
    settings["time_limit_s"] = round(training_s / wanted.trainings, 1)
    if wanted.method.startswith("distill"):
        settings |= {
            "input_size": student.input_size,
            "channels": student.channels,
            "views": student.views,
            "max_images": student.max_images,
        }
    return Recipe(steps=(RecipeStep(method=wanted.method, settings=settings),))
