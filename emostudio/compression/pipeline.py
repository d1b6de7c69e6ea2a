"""Recipes run stage by stage, each kept on disk and measured."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from emostudio.compression import ledger
from emostudio.compression.packing import predict_bytes, save_variant
from emostudio.compression.planning import Step, expanded, plan
from emostudio.compression.stages import StagedRun, stage_done
from emostudio.core.answers import PlanReport, StageLedger
from emostudio.core.errors import InputError
from emostudio.core.events import Event, VariantSaved
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe
from emostudio.data.dataset import Dataset
from emostudio.models.loaded import LoadedModel

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
    work = StagedRun(teacher, recipe, steps, dataset, context, name, memory)
    stages, model = [work.teacher_ledger()], teacher
    for number in range(len(steps)):
        model, record = yield from work.stage(number, model)
        stages.append(record.ledger)
        yield stage_done(number, steps[number], record)
    file = context.folder / VARIANT_FILE
    planned_bytes = predict_bytes(model)
    written = save_variant(model, file)
    yield VariantSaved(
        model=name, file=str(file), disk_bytes=written, planned_disk_bytes=planned_bytes
    )
    return CompressionResult(replace(model, file=file), file, report, tuple(stages))


def _require_possible(report: PlanReport, steps: tuple[Step, ...], dataset: Dataset | None) -> None:
    if not steps:
        raise InputError("The recipe has no steps", next_step="Add at least one method")
    if report.refusals:
        first = report.refusals[0]
        raise InputError(
            f"Step {first.step + 1} of the recipe, {first.method}, cannot be done",
            why=first.reason,
        )
    calibrating = [step.method.title for step in steps if step.method.calibrates]
    if dataset is None and calibrating:
        raise InputError(
            f"{calibrating[0]} needs training images to calibrate on",
            why="no dataset was chosen",
            next_step="Choose a dataset; its images need no labels",
        )
    training = [stage.title for stage in report.stages if stage.training_epochs]
    if dataset is None and training:
        raise InputError(
            f"{training[0]} needs training images",
            why="no dataset was chosen",
            next_step="Choose a dataset, or set the step's epochs to 0",
        )
