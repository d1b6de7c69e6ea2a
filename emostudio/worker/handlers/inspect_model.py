"""Layers, sizes and costs of a model."""

from __future__ import annotations

from emostudio.compression.packing import predict_bytes
from emostudio.compression.planning import predicted
from emostudio.core.errors import InputError
from emostudio.core.jobs import InspectModelJob
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.model_report import described_model, model_report
from emostudio.worker.resolve import find_model
from emostudio.worker.unmade import refuse_settings, without_weights


def handle(job: InspectModelJob, context: HandlerContext) -> Handling:
    """Answer with the report of a model, of an architecture, or of what a recipe would give."""
    yield from ()
    try:
        found = find_model(job.model, context.workspace)
    except InputError:
        if job.model not in ARCHITECTURES.members():
            raise
        model = without_weights(job.model, job.architecture_settings)
        model = predicted(model, job.recipe) if job.recipe.steps else model
        return described_model(model, predict_bytes(model))
    refuse_settings(job.model, job.architecture_settings)
    if job.recipe.steps:
        model = predicted(found.load(), job.recipe)
        return described_model(model, predict_bytes(model))
    if found.members:
        return described_model(found.load(), found.disk_bytes)
    return model_report(found.load(), found.file)
