"""Recipes run stage by stage, each kept on disk and measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from emostudio.compression import ledger
from emostudio.compression.base import ApplyContext
from emostudio.compression.packing import predict_bytes, save_variant
from emostudio.compression.planning import Step, described, expanded, plan
from emostudio.core.answers import PlanReport, StageLedger
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, StageDone, StageStarted, VariantSaved
from emostudio.core.jobs import JobContext
from emostudio.core.model_info import Lineage
from emostudio.core.recipe import Recipe
from emostudio.data.dataset import Dataset
from emostudio.inference.catalogue import open_classifier
from emostudio.models.loaded import LoadedModel
from emostudio.training.loop import train

__all__ = ["VARIANT_FILE", "CompressionResult", "plan", "run"]

VARIANT_FILE = "variant.safetensors"


@dataclass(frozen=True)
class CompressionResult:
    """A finished recipe.

    Attributes
    ----------
    model, file
        The variant and its file in the run's folder.
    plan
        What was predicted before any work.
    stages
        Measured ledger: the teacher first, then each stage.
    """

    model: LoadedModel
    file: Path
    plan: PlanReport
    stages: tuple[StageLedger, ...]


def run(
    teacher: LoadedModel,
    recipe: Recipe,
    dataset: Dataset | None,
    context: JobContext,
    *,
    name: str,
    memory: ledger.MemoryProbe | None = None,
) -> Generator[Event, None, CompressionResult]:
    """Run a recipe, or take it up where an earlier run in the same folder ended.

    Every finished stage is kept in ``stages/`` of the run's folder and is not done again; the
    training inside an unfinished one goes on from its checkpoint, bit by bit as if never stopped.

    Parameters
    ----------
    teacher
        Left as it is.
    recipe
        At least one step.
    dataset
        Images to train and measure on; None where no step trains.
    context
        The run's.
    name
        Name of the variant.
    memory
        Measures the resident memory of each stage's model.

    Yields
    ------
    Event
        `StageStarted`, what the methods say, `StageDone` with the ledger, at last `VariantSaved`.

    Raises
    ------
    InputError
        If the recipe cannot be done; nothing was changed.
    """
    steps = expanded(recipe)
    report = plan(teacher, recipe)
    _require_possible(report, steps, dataset)
    work = _Work(teacher, recipe, steps, dataset, context, name, memory)
    stages, model = [work.teacher_ledger()], teacher
    for number in range(len(steps)):
        model, record = yield from work.stage(number, model)
        stages.append(record.ledger)
        yield _stage_done(number, steps[number], record)
    file = context.folder / VARIANT_FILE
    planned_bytes = predict_bytes(model)
    written = save_variant(model, file)
    yield VariantSaved(
        model=name, file=str(file), disk_bytes=written, planned_disk_bytes=planned_bytes
    )
    return CompressionResult(replace(model, file=file), file, report, tuple(stages))


@dataclass(frozen=True)
class _Work:
    """A recipe being run."""

    teacher: LoadedModel
    recipe: Recipe
    steps: tuple[Step, ...]
    dataset: Dataset | None
    context: JobContext
    name: str
    memory: ledger.MemoryProbe | None

    def teacher_ledger(self) -> StageLedger:
        """Measure the teacher, or read what was measured before the run was interrupted."""
        file = self.context.folder / "stages" / "00-teacher.json"
        kept = ledger.read_ledger(file, self._fingerprint(0))
        if kept is not None:
            return kept
        measured = self._measure(self.teacher, "teacher")
        ledger.write_ledger(file, self._fingerprint(0), measured)
        return measured

    def stage(
        self, number: int, model: LoadedModel
    ) -> Generator[Event, None, tuple[LoadedModel, ledger.StageRecord]]:
        """Run one step on `model`, or load what it left when it was run before."""
        step, count = self.steps[number], len(self.steps)
        key, title = step.method.key, step.method.title
        yield StageStarted(index=number, count=count, method=key, title=title)
        folder = self.context.folder / "stages" / f"{number + 1:02d}-{key}"
        store = ledger.StageStore(folder, self._fingerprint(number + 1))
        kept = store.load()
        if kept is not None:
            yield Note(what=f"{title} was finished before the run was interrupted")
            return kept
        job = replace(self.context, folder=folder, seed=self._seed(number))
        model = yield from step.method.apply(model, step.settings, self._apply_context(job))
        model = self._named(described(model, self.recipe, step))
        planned_bytes = predict_bytes(model)
        # going on from the file makes a resumed run the same run, and measures what is on disk
        model = store.save(model)
        return model, store.finish(planned_bytes, self._measure(model, key))

    def _measure(self, model: LoadedModel, step: str) -> StageLedger:
        return ledger.measure(model, step, self.dataset, self.context, memory=self.memory)

    def _apply_context(self, job: JobContext) -> ApplyContext:
        return ApplyContext(
            job=job,
            dataset=self.dataset,
            teacher=self.teacher,
            train=train,
            open_classifier=partial(open_classifier, threads=self.context.threads),
        )

    def _seed(self, number: int) -> int:
        return (self.context.seed + 1_000_003 * number) % 2**31

    def _named(self, model: LoadedModel) -> LoadedModel:
        lineage = Lineage(
            parent=self.teacher.info.name,
            teacher=self.teacher.info.name,
            parent_sha256=ledger.sha256(self.teacher.file) if self.teacher.file else None,
            dataset=self.dataset.name if self.dataset is not None else None,
            run=self.context.folder.name,
            seed=self.context.seed,
        )
        info = model.info.model_copy(update={"name": self.name, "lineage": lineage})
        return replace(model, info=info, file=None)

    def _fingerprint(self, count: int) -> str:
        """Return a hash of all that decides the outcome of the first `count` stages."""
        document = {
            "teacher": self.teacher.info.model_dump(mode="json"),
            "teacher_sha256": ledger.sha256(self.teacher.file) if self.teacher.file else None,
            "dataset": getattr(self.dataset, "fingerprint", None),
            "steps": [step.as_recipe_step.model_dump(mode="json") for step in self.steps[:count]],
            "seed": self.context.seed,
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _require_possible(report: PlanReport, steps: tuple[Step, ...], dataset: Dataset | None) -> None:
    if not steps:
        raise InputError("The recipe has no steps", next_step="Add at least one method")
    if report.refusals:
        first = report.refusals[0]
        raise InputError(
            f"Step {first.step + 1} of the recipe, {first.method}, cannot be done",
            why=first.reason,
        )
    training = [stage.title for stage in report.stages if stage.training_epochs]
    if dataset is None and training:
        raise InputError(
            f"{training[0]} needs training images",
            why="no dataset was chosen",
            next_step="Choose a dataset, or set the step's epochs to 0",
        )


def _stage_done(number: int, step: Step, record: ledger.StageRecord) -> StageDone:
    measured = record.ledger
    return StageDone(
        index=number,
        method=step.method.key,
        accuracy=measured.accuracy,
        disk_bytes=measured.disk_bytes,
        planned_disk_bytes=record.planned_disk_bytes,
        parameters=measured.parameters,
        macs=measured.macs,
        latency_ms=measured.latency_ms,
        resident_bytes=measured.resident_bytes,
    )
