"""Layers, sizes and costs of a model."""

from __future__ import annotations

from emostudio.core.jobs import InspectModelJob
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.model_report import model_report
from emostudio.worker.resolve import find_model


def handle(job: InspectModelJob, context: HandlerContext) -> Handling:
    """Answer with the model's report."""
    yield from ()
    found = find_model(job.model, context.workspace)
    return model_report(found.load(), found.file)
