"""Runs a recipe for a job: progress over all its steps, then the variant goes to the workspace."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

from emostudio.compression import pipeline
from emostudio.compression.pipeline import CompressionResult
from emostudio.core.events import EpochDone, Event, Progress, StageStarted, VariantSaved
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe
from emostudio.data.dataset import Dataset
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext
from emostudio.worker.footprint import with_footprint
from emostudio.worker.listening import TrainingCosts, heard_costs
from emostudio.worker.measuring import resident_bytes_of
from emostudio.worker.outcome import Saved, save_model, with_costs, without_costs


@dataclass(frozen=True)
class Compressed:
    """A variant in the workspace, and how it came about."""

    saved: Saved
    result: CompressionResult


def compress(
    teacher: LoadedModel,
    recipe: Recipe,
    dataset: Dataset | None,
    engine_context: JobContext,
    context: HandlerContext,
    *,
    name: str | None = None,
) -> Generator[Event, None, Compressed]:
    """Run a recipe and register the variant.

    Parameters
    ----------
    engine_context
        Folder of the stages, seed, device and threads.
    context
        The job's.
    name
        What to call the variant; None makes it from teacher and recipe.
    """
    wanted = name or f"{teacher.info.name}-{'-'.join(step.method for step in recipe.steps)}"
    share = _StageShare(engine_context)
    costs = TrainingCosts(engine_context.device)
    memory = partial(
        resident_bytes_of, threads=engine_context.threads, folder=engine_context.folder
    )
    work = pipeline.run(teacher, recipe, dataset, share.context, name=wanted, memory=memory)
    result = yield from _followed(heard_costs(work, costs), share)
    model = with_footprint(with_costs(without_costs(result.model), costs), teacher)
    saved = yield from save_model(model, wanted, context, role="variant")
    return Compressed(saved, result)


class _StageShare:
    """Turns progress within a step into progress of the recipe."""

    def __init__(self, context: JobContext) -> None:
        self._report = context.report
        self._index, self._count = 0, 1
        self.context = replace(context, report=self.report)

    def start(self, index: int, count: int) -> None:
        """Note that step `index` of `count` begins."""
        self._index, self._count = index, max(count, 1)

    def overall(self, fraction: float) -> float:
        """Return the share of the recipe that is done."""
        return (self._index + min(max(fraction, 0.0), 1.0)) / self._count

    def report(self, fraction: float, message: str) -> None:
        """Pass on progress within the present step."""
        self._report(self.overall(fraction), message)


def _followed(
    work: Generator[Event, None, CompressionResult], share: _StageShare
) -> Generator[Event, None, CompressionResult]:
    """Pass events on, except that the variant is announced once it is in the workspace."""
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as stop:
                result: CompressionResult = stop.value
                return result
            if isinstance(event, StageStarted):
                share.start(event.index, event.count)
            if isinstance(event, Progress) and event.fraction is not None:
                fraction = share.overall(event.fraction)
                event = event.model_copy(update={"fraction": fraction})
            if not isinstance(event, VariantSaved):
                yield event
            if isinstance(event, EpochDone):
                fraction = share.overall(event.epoch / max(event.epochs, 1))
                yield Progress(fraction=fraction, seconds_left=event.seconds_left)
    finally:
        work.close()
