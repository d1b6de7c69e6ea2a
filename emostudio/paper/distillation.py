"""The trainings of Table 3 as jobs: two teachers, three losses, several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from emostudio.core.answers import EvaluationResult
from emostudio.core.jobs import CompressJob, EvaluateJob, ImportModelJob, TrainJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.paper.networks import VGG, network_part, part_key
from emostudio.paper.parts import MODEL_OF, NO_LABELS, Part, PartResult
from emostudio.paper.study import StudySettings

FOREIGN, OWN = "foreign", "own"
LABELS, SOFTMAX, COMBINED = "labels", "softmax", "combined"
TEACHERS_PART = "teachers"
_FOREIGN_PART = "teacher-foreign"
_FILES = frozenset({".onnx", ".safetensors", ".pt", ".pth", ".caffemodel"})


@dataclass(frozen=True)
class Loss:
    """What a student learns from."""

    key: str
    title: str
    method: str
    settings: Mapping[str, object]


LOSSES: Mapping[str, Loss] = {
    loss.key: loss
    for loss in (
        # No weighting of rare labels: the survey has none, and it would ask about every picture.
        Loss(LABELS, "labels only", "distill_labels", {"class_balance": "none"}),
        Loss(SOFTMAX, "softmax outputs", "distill_softmax", {"temperature": 1.0}),
        Loss(COMBINED, "combined, Fig. 7", "distill_combined", {"mix": "unlabelled"}),
    )
}


def distillation_seeds(settings: StudySettings) -> tuple[int, ...]:
    """Return the seeds of every cell of Table 3."""
    return settings.seeds_from(settings.sizes.distillation_seeds)


def student_key(teacher: str, loss: str, seed: int) -> str:
    """Return the key of a student's part."""
    return f"student-{teacher}-{loss}-s{seed}"


def distillation_parts(settings: StudySettings) -> tuple[Part, ...]:
    """Return teachers, their evaluation, then the students, seed by seed."""
    own = network_part(VGG, settings, settings.seed)
    foreign = _foreign(settings)
    models = tuple(teacher_argument(teacher, settings) for teacher in (FOREIGN, OWN))
    judged = Part(
        TEACHERS_PART,
        "Evaluate the two teachers",
        EvaluateJob(models=models, data=settings.data_argument),
        5.0,
    )
    students: list[Part] = []
    for seed in distillation_seeds(settings):
        pairs = product((FOREIGN, OWN), LOSSES)
        students += [_student(teacher, loss, settings, seed) for teacher, loss in pairs]
        students.append(_evaluation(settings, seed))
    return (own, *foreign, judged, *students)


def teacher_argument(teacher: str, settings: StudySettings) -> str:
    """Return the model argument of a teacher."""
    if teacher == OWN:
        return MODEL_OF + part_key(VGG, settings.seed)
    if settings.teacher is not None and not _is_file(settings.teacher):
        return settings.teacher
    return MODEL_OF + _FOREIGN_PART


def students(
    teacher: str, loss: str, settings: StudySettings, results: Mapping[str, PartResult]
) -> list[PartResult | None]:
    """Return the students of a cell by seed, None for those not trained yet.

    They learn from faces without labels, so their evaluation is a part of its own.
    """
    found: list[PartResult | None] = []
    for seed in distillation_seeds(settings):
        result = results.get(student_key(teacher, loss, seed))
        if result is not None:
            judged = results.get(_evaluation_key(seed))
            own = judged_as(result.model, judged)
            result = result.model_copy(update={"evaluation": own})
        found.append(result)
    return found


def judged_as(model: str, judged: PartResult | None) -> EvaluationResult | None:
    """Return one model's result among those of an evaluation."""
    evaluations: Sequence[EvaluationResult] = judged.evaluations if judged is not None else ()
    return next((result for result in evaluations if result.model == model), None)


def _foreign(settings: StudySettings) -> tuple[Part, ...]:
    title = "The teacher that learnt from other faces"
    sizes = settings.sizes
    if settings.teacher is None:
        job: TrainJob | ImportModelJob = TrainJob(
            architecture=sizes.vgg.key,
            architecture_settings=dict(sizes.vgg.settings),
            data=sizes.other_data,
            training=dict(sizes.vgg.training),
            name=f"paper-{sizes.key}-other-faces",
            seed=settings.seed,
        )
        return (Part(_FOREIGN_PART, title, job, sizes.weights.get("train", 1.0)),)
    if not _is_file(settings.teacher):
        return ()
    job = ImportModelJob(
        file=settings.teacher,
        name=f"paper-teacher-{Path(settings.teacher).stem}",
        data=settings.data_argument,
        onnx="black_box",
    )
    return (Part(_FOREIGN_PART, title, job, 5.0),)


def _student(teacher: str, loss: str, settings: StudySettings, seed: int) -> Part:
    chosen, sizes = LOSSES[loss], settings.sizes
    values = {**sizes.student, **chosen.settings}
    key = student_key(teacher, loss, seed)
    job = CompressJob(
        teacher=teacher_argument(teacher, settings),
        data=NO_LABELS + settings.pool_argument,
        recipe=Recipe(steps=(RecipeStep(method=chosen.method, settings=values),)),
        name=f"paper-{sizes.key}-{key}",
        seed=seed,
    )
    title = f"Student of the {teacher} teacher, {chosen.title}, seed {seed}"
    return Part(key, title, job, sizes.weights.get("distil", 1.0))


def _evaluation(settings: StudySettings, seed: int) -> Part:
    keys = (student_key(t, loss, seed) for t, loss in product((FOREIGN, OWN), LOSSES))
    job = EvaluateJob(models=tuple(MODEL_OF + key for key in keys), data=settings.data_argument)
    return Part(_evaluation_key(seed), f"Evaluate the students of seed {seed}", job, 5.0)


def _evaluation_key(seed: int) -> str:
    return f"students-s{seed}"


def _is_file(teacher: str) -> bool:
    return Path(teacher).suffix.lower() in _FILES
