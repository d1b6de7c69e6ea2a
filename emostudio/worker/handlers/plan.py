"""Predicts what a recipe gives before any work."""

from __future__ import annotations

from emostudio.compression.pipeline import plan
from emostudio.core.jobs import PlanJob
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_model


def handle(job: PlanJob, context: HandlerContext) -> Handling:
    """Answer with the prediction; refusals are part of it."""
    yield from ()
    return plan(find_model(job.teacher, context.workspace).load(), job.recipe)
