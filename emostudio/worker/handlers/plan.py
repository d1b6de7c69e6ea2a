"""Predicts what a recipe gives before any work."""

from __future__ import annotations

from emostudio.compression.forecast import Forecast, Stopwatch
from emostudio.compression.pipeline import plan
from emostudio.compression.planning import measure_layers
from emostudio.core.jobs import PlanJob
from emostudio.data.opening import split_counts
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_model

_STOPWATCH = Stopwatch()


def handle(job: PlanJob, context: HandlerContext) -> Handling:
    """Answer with the prediction; refusals are part of it."""
    teacher = find_model(job.teacher, context.workspace).load()
    if job.measure_s:
        yield from measure_layers(teacher, job.recipe, budget_s=job.measure_s)
    counts = split_counts(job.data, context.workspace.datasets_folder) if job.data else None
    if counts is None:
        return plan(teacher, job.recipe)
    return plan(teacher, job.recipe, Forecast(teacher, counts, context.job_context(), _STOPWATCH))
