"""One recipe's stages: each is run once, kept on disk, measured, and never done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

from emostudio.compression import ledger
from emostudio.compression.base import ApplyContext
from emostudio.compression.exits import recalibrated
from emostudio.compression.packing import predict_bytes
from emostudio.compression.planning import Step, described
from emostudio.core.answers import StageLedger
from emostudio.core.events import Event, Note, StageDone, StageStarted
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import Lineage
from emostudio.core.recipe import Recipe
from emostudio.data.dataset import Dataset
from emostudio.inference.catalogue import open_classifier
from emostudio.models.loaded import LoadedModel
from emostudio.training.loop import train


@dataclass(frozen=True)
class StagedRun:
    """A recipe being run, each stage kept on disk and measured.

    Attributes
    ----------
    teacher, recipe, steps
        Where it starts, what was asked, and the steps that this stands for.
    dataset
        Images to train and measure on; None where no step trains.
    context
        The run's; stages go into ``stages/`` of its folder.
    name
        Name of the variant.
    memory
        Measures the resident memory of each stage's model.
    """

    teacher: LoadedModel
    recipe: Recipe
    steps: tuple[Step, ...]
    dataset: Dataset | None
    context: JobContext
    name: str
    memory: ledger.MemoryProbe | None = None

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
        """Run one step on `model`, or load what it left when it was run before.

        Yields
        ------
        Event
            `StageStarted`, and what the method says.

        Returns
        -------
        The stage's model as it reads back from its file, and its record.
        """
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
        context = self._apply_context(job)
        model = yield from step.method.apply(model, step.settings, context)
        model = yield from recalibrated(model, context)
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


def stage_done(number: int, step: Step, record: ledger.StageRecord) -> StageDone:
    """Return the event that tells a stage's ledger."""
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
