"""The main job: teacher, variants, measurements, report."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from emostudio.compression.catalogue import METHODS
from emostudio.core.answers import QuickstartReport, QuickstartVariant
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.job_context import JobContext
from emostudio.core.jobs import QuickstartJob
from emostudio.data.dataset import Dataset
from emostudio.reports.comparison import write_comparison
from emostudio.worker.answering import known_changes
from emostudio.worker.compressing import compress
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.outcome import TEST, Saved
from emostudio.worker.quickstart.budget import Budget
from emostudio.worker.quickstart.inputs import (
    load_teacher,
    open_quickstart_data,
    student_for,
    train_teacher,
)
from emostudio.worker.quickstart.measuring import bench_all, evaluate_all
from emostudio.worker.quickstart.memory import Memory
from emostudio.worker.quickstart.pace import Pace
from emostudio.worker.quickstart.recipes import FROM_LAYERS, FROM_OUTPUTS, Wanted, recipe_for
from emostudio.workspace.claims import speed_claims
from emostudio.workspace.comparison import ComparisonRow, compare

REPORT = "report.html"
_TEACHER_WEIGHT = 4.0
_EVALUATED, _TIMED = 0.2, 0.97
"""Shares of the measuring after which all models are evaluated, and timed."""


def handle(job: QuickstartJob, context: HandlerContext) -> Handling:
    """Do everything within the minutes given; answers with a `QuickstartReport`."""
    work = _Quickstart(job, context)
    inner = work.run()
    try:
        while True:
            try:
                event = next(inner)
            except StopIteration as stop:
                return stop.value
            yield work.in_time(event)
    finally:
        inner.close()


@dataclass(frozen=True)
class _Made:
    """The teacher and the variants so far, by the names they were wanted under."""

    teacher: Saved
    variants: dict[str, Saved]

    @property
    def models(self) -> list[Saved]:
        return [self.teacher, *self.variants.values()]


class _Quickstart:
    """One quickstart and its budget."""

    def __init__(self, job: QuickstartJob, context: HandlerContext) -> None:
        self._job = job
        self._context = context
        self._budget = Budget(job.minutes)
        self._pace = Pace(self._budget)
        self._memory = Memory(context)
        self._out = Path(job.out).expanduser() if job.out else context.folder

    def in_time(self, event: Event) -> Event:
        """Let progress mean the whole job, whatever the stage says about itself."""
        if not isinstance(event, Progress):
            return event
        return event.model_copy(
            update={
                "fraction": self._pace.fraction(event.fraction),
                "seconds_left": self._pace.left_s(event.fraction),
            }
        )

    def run(self) -> Generator[Event, None, QuickstartReport]:
        """Go through all stages."""
        dataset = yield from open_quickstart_data(self._job, self._context)
        teacher = yield from self._teacher(dataset)
        made = yield from self._variants(teacher, dataset)
        self._pace.measure(0.0, _EVALUATED)
        yield from evaluate_all(made.models, dataset, self._context, self._report)
        self._pace.measure(_EVALUATED, _TIMED)
        yield from bench_all(made.models, self._budget.left_s, self._context)
        self._pace.measure(_TIMED, 1.0)
        yield Progress(message="Writing the report")
        names = [saved.record.name for saved in made.models]
        report = write_comparison(
            self._context.workspace,
            names,
            self._out / REPORT,
            data=dataset.name,
            title="EmoStudio quickstart",
            changes=known_changes(
                self._context.workspace, [saved.record for saved in made.models], dataset.name, TEST
            ),
        )
        return self._answer(names, dataset, report)

    def _teacher(self, dataset: Dataset) -> Generator[Event, None, Saved]:
        kept = self._memory.recall("teacher")
        if kept is not None:
            return kept
        if self._job.teacher is not None:
            saved = yield from load_teacher(self._job.teacher, dataset, self._context)
        else:
            limit_s = self._budget.training_s(
                _TEACHER_WEIGHT, sum(wanted.weight for wanted in FROM_LAYERS)
            )
            saved = yield from train_teacher(
                dataset, limit_s, self._engine_context("teacher"), self._context
            )
        self._memory.keep("teacher", saved)
        return saved

    def _variants(self, teacher: Saved, dataset: Dataset) -> Generator[Event, None, _Made]:
        plan = FROM_OUTPUTS if teacher.model.module is None else FROM_LAYERS
        made = _Made(teacher, {})
        for number, wanted in enumerate(plan):
            kept = self._memory.recall(wanted.name)
            if kept is None:
                later = sum(other.weight for other in plan[number + 1 :])
                limit_s = self._budget.training_s(wanted.weight, later)
                kept = yield from self._variant(wanted, limit_s, made, dataset)
            if kept is not None:
                self._memory.keep(wanted.name, kept)
                made.variants[wanted.name] = kept
        return made

    def _variant(
        self, wanted: Wanted, limit_s: float, made: _Made, dataset: Dataset
    ) -> Generator[Event, None, Saved | None]:
        """Make one variant; one that fails is told of, and the others are still made."""
        parent = made.variants.get(wanted.parent) if wanted.parent else made.teacher
        if parent is None:
            return None
        student = student_for(parent.model, dataset, limit_s, self._context.threads)
        recipe = recipe_for(wanted, limit_s, student)
        yield Note(what=f"Making {wanted.name}: {wanted.method}, {limit_s:.0f} s of training")
        try:
            done = yield from compress(
                parent.model,
                recipe,
                dataset,
                self._engine_context(wanted.name),
                self._context,
                name=wanted.name,
            )
        except EmoStudioError as error:
            if error.exit_code not in {1, 2}:
                raise
            yield Note(level="warning", what=f"{wanted.name} could not be made", why=str(error))
            return None
        return done.saved

    def _engine_context(self, name: str) -> JobContext:
        engine_context = self._context.job_context(self._job.seed, name)
        return replace(engine_context, report=self._report)

    def _report(self, fraction: float, message: str) -> None:
        self._context.control.report(self._pace.fraction(fraction), message)

    def _answer(self, names: list[str], dataset: Dataset, report: Path) -> QuickstartReport:
        workspace = self._context.workspace
        comparison = compare(
            [workspace.model(name) for name in names],
            baseline=names[0],
            dataset=dataset.name,
            speed_claims=speed_claims(METHODS.members().values()),
        )
        return QuickstartReport(
            report=str(report),
            teacher=names[0],
            variants=tuple(self._row(row) for row in comparison.rows),
            workspace=str(workspace.folder),
        )

    def _row(self, row: ComparisonRow) -> QuickstartVariant:
        record = self._context.workspace.model(row.model)
        parent = record.parent
        lineage = [row.recipe] if row.recipe else []
        while parent is not None and not row.is_baseline:
            known = {model.name: model for model in self._context.workspace.models()}
            if parent not in known or not known[parent].info.recipe.steps:
                break
            lineage.insert(0, known[parent].info.recipe.title)
            parent = known[parent].parent
        return QuickstartVariant(
            model=row.model,
            file=str(record.file),
            recipe=" + ".join(lineage),
            accuracy=row.accuracy,
            accuracy_interval=row.accuracy_interval,
            disk_bytes=row.disk_bytes,
            parameters=row.parameters,
            latency_ms=row.latency_ms.p50 if row.latency_ms else None,
            verdict=row.verdict,
        )
