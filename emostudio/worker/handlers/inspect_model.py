"""Layers, sizes and costs of a model."""

from __future__ import annotations

from typing import Any

import torch

from emostudio.compression.packing import predict_bytes
from emostudio.compression.planning import predicted
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.jobs import InspectModelJob
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import ARCHITECTURES, build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.model_report import described_model, model_report
from emostudio.worker.resolve import find_model


def handle(job: InspectModelJob, context: HandlerContext) -> Handling:
    """Answer with the report of a model, of an architecture, or of what a recipe would give."""
    yield from ()
    try:
        found = find_model(job.model, context.workspace)
    except InputError:
        if job.model not in ARCHITECTURES.members():
            raise
        model = _without_weights(job)
        model = predicted(model, job.recipe) if job.recipe.steps else model
        return described_model(model, predict_bytes(model))
    if job.architecture_settings:
        raise InputError(
            f"{job.model} is a model; its architecture's settings are fixed",
            next_step="Give settings with the name of an architecture only",
        )
    if job.recipe.steps:
        model = predicted(found.load(), job.recipe)
        return described_model(model, predict_bytes(model))
    if found.members:
        return described_model(found.load(), found.disk_bytes)
    return model_report(found.load(), found.file)


def _without_weights(job: InspectModelJob) -> LoadedModel:
    architecture = ARCHITECTURES.get(job.model)
    parsed: Any = parse_settings(
        architecture.settings_type, job.architecture_settings, f"architecture {job.model}"
    )
    classes = parsed.class_count
    if classes > len(EMOTIONS):
        raise InputError(
            f"A model cannot have {classes} emotions",
            next_step=f"Give 2 to {len(EMOTIONS)} as class_count",
        )
    info = new_info(job.model, job.model, job.architecture_settings, EMOTIONS[:classes])
    with torch.device("meta"):
        module = build(info)
    return LoadedModel(info, module=module.eval())
