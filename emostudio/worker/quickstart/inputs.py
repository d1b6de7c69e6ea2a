"""The quickstart's data and teacher: the user's own, or drawn faces and a trained network."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

import torch

from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.job_context import JobContext
from emostudio.core.jobs import ImportModelJob, QuickstartJob
from emostudio.core.model_info import Lineage
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.inference.catalogue import open_classifier
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.training.loop import train
from emostudio.training.objectives import Supervised
from emostudio.training.settings import TrainingSettings
from emostudio.worker.context import HandlerContext
from emostudio.worker.importing import import_model
from emostudio.worker.listening import TrainingCosts, heard_costs
from emostudio.worker.outcome import Saved, save_model, with_costs
from emostudio.worker.quickstart.recipes import MANY_EPOCHS, Student
from emostudio.worker.resolve import find_model, open_data
from emostudio.workspace.folders import MODEL_SUFFIXES

TEACHER_ARCHITECTURE = "vgg_s_lite"
TEACHER_SETTINGS = {"input_size": 48, "channels": 1, "width": 0.5}
_MOST_IDENTITIES = 240
_LEAST_IDENTITIES = 20
_IDENTITIES_PER_MINUTE = 30
_TEACHER_SHARE = 0.3
_TIMED_IMAGES = 20


def synthetic_argument(minutes: float, seed: int) -> str:
    """Return the data argument of a set of drawn faces that fits the time."""
    wanted = round(minutes * _IDENTITIES_PER_MINUTE)
    identities = min(_MOST_IDENTITIES, max(_LEAST_IDENTITIES, wanted))
    size = TEACHER_SETTINGS["input_size"]
    return f"synthetic:identities={identities},size={size},cameras=090,seed={seed}"


def open_quickstart_data(
    job: QuickstartJob, context: HandlerContext
) -> Generator[Event, None, Dataset]:
    """Open the user's data, or draw faces."""
    if job.data is None:
        yield Note(what="No data was given: drawing synthetic faces")
    yield Progress(message="Reading the data")
    dataset = open_data(job.data or synthetic_argument(job.minutes, job.seed), context)
    if not len(dataset.indices(Split.TRAIN)) or not len(dataset.labels):
        raise InputError(
            f"{dataset.name} cannot be learnt from",
            why="it has no labelled training pictures",
            next_step="Give a dataset with labels",
        )
    yield Note(
        what=f"{len(dataset):,} pictures: "
        + ", ".join(f"{len(dataset.indices(split)):,} {split.word}" for split in Split)
    )
    return dataset


def load_teacher(
    argument: str, dataset: Dataset, context: HandlerContext
) -> Generator[Event, None, Saved]:
    """Take a teacher from the workspace, or import its file first.

    What the file does not say about its labels and input is found on pictures of `dataset`.
    """
    path = Path(argument).expanduser()
    if path.is_file():
        is_kept = any(m.file.resolve() == path.resolve() for m in context.workspace.models())
        if not is_kept:
            job = ImportModelJob(file=str(path), data=dataset.folder.name)
            imported = yield from import_model(job, context)
            return imported.saved
    found = find_model(argument, context.workspace)
    if found.members:
        raise InputError(
            "The quick start takes one teacher",
            why=f"{argument} is an ensemble",
            next_step="Distil the ensemble with compress first, or name one of its models",
        )
    if found.record is not None:
        return Saved(found.load(), found.record)
    if found.file.suffix in MODEL_SUFFIXES:  # a bundled one joins the workspace
        return (yield from save_model(found.load(), found.name, context, role="teacher"))
    raise InputError(f"{argument} is not a model")


def train_teacher(
    dataset: Dataset,
    limit_s: float,
    engine_context: JobContext,
    context: HandlerContext,
) -> Generator[Event, None, Saved]:
    """Train the embedded default teacher within `limit_s` seconds."""
    yield Note(what=f"No teacher was given: training {TEACHER_ARCHITECTURE} for {limit_s:.0f} s")
    settings = TrainingSettings(
        epochs=MANY_EPOCHS, time_limit_s=limit_s, warmup_epochs=1.0, learning_rate=2e-3
    )
    info = new_info("teacher", TEACHER_ARCHITECTURE, TEACHER_SETTINGS, dataset.labels)
    torch.manual_seed(engine_context.seed)
    module = build(info)
    costs = TrainingCosts(engine_context.device)
    objective = Supervised(settings.label_smoothing)
    yield from heard_costs(train(module, objective, dataset, info, settings, engine_context), costs)
    lineage = Lineage(dataset=dataset.name, seed=engine_context.seed)
    info = info.model_copy(update={"lineage": lineage})
    model = with_costs(LoadedModel(info, module=module.eval()), costs)
    return (yield from save_model(model, "teacher-vgg-s-lite", context, role="teacher"))


def student_for(teacher: LoadedModel, dataset: Dataset, limit_s: float, threads: int) -> Student:
    """Decide the student's input, and how often the teacher can be asked within the time.

    The student sees no more pixels than the pictures have.
    """
    images = dataset.indices(Split.TRAIN)
    height, _, colours = dataset.image(int(images[0])).shape
    size = min(max(teacher.info.preprocessing.height, 24), max(height, 24))
    channels = 1 if colours == 1 else teacher.info.preprocessing.channels
    answers = limit_s * _TEACHER_SHARE / _teacher_s(teacher, dataset, threads)
    views = int(answers / len(images))
    if views >= 1:
        return Student(size, channels, views=min(views, 8))
    return Student(size, channels, views=1, max_images=max(256, int(answers)))


def _teacher_s(teacher: LoadedModel, dataset: Dataset, threads: int) -> float:
    """Return how long the teacher takes for one picture."""
    images = [dataset.image(int(i)) for i in dataset.indices(Split.TRAIN)[:_TIMED_IMAGES]]
    classifier = open_classifier(teacher, threads=threads)
    try:
        classifier.classify(images[:1])
        started = time.perf_counter()
        for image in images:
            classifier.classify([image])
        return max((time.perf_counter() - started) / len(images), 1e-5)
    finally:
        classifier.close()
