"""Supervised training of an architecture."""

from __future__ import annotations

import torch

from emostudio.core.jobs import TrainJob
from emostudio.core.model_info import Lineage, ModelInfo
from emostudio.core.settings import parse_settings
from emostudio.data.dataset import Dataset
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.training.loop import train
from emostudio.training.objectives import Supervised
from emostudio.training.settings import TrainingSettings
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.conventions import parse_preprocessing
from emostudio.worker.listening import TrainingCosts, heard_costs
from emostudio.worker.outcome import (
    EPOCHS_KEY,
    SECONDS_KEY,
    evaluate_saved,
    save_model,
    with_costs,
)
from emostudio.worker.resolve import open_data


def _described(job: TrainJob, name: str, dataset: Dataset) -> ModelInfo:
    info = new_info(name, job.architecture, job.architecture_settings, dataset.labels)
    if job.transform == "none":
        return info
    values = {**info.preprocessing.model_dump(), "transform": job.transform}
    return info.model_copy(update={"preprocessing": parse_preprocessing(values)})


def handle(job: TrainJob, context: HandlerContext) -> Handling:
    """Train from a seed, save the network as a teacher, evaluate it on the test split."""
    settings = parse_settings(TrainingSettings, job.training, "training")
    dataset = open_data(job.data, context)
    wanted = job.name or f"{job.architecture}-{dataset.name}"
    info = _described(job, wanted, dataset)
    engine_context = context.job_context(job.seed)
    torch.manual_seed(job.seed)
    module = build(info)
    objective = Supervised(settings.label_smoothing)
    costs = TrainingCosts(engine_context.device)
    result = yield from heard_costs(
        train(module, objective, dataset, info, settings, engine_context), costs
    )
    lineage = Lineage(
        dataset=dataset.name, run=context.run.id if context.run else None, seed=job.seed
    )
    measurements = {EPOCHS_KEY: result.epochs, SECONDS_KEY: round(result.seconds, 1)}
    info = info.model_copy(update={"lineage": lineage, "measurements": measurements})
    model = with_costs(LoadedModel(info, module=module.eval()), costs)
    saved = yield from save_model(model, wanted, context, role="teacher")
    evaluation = yield from evaluate_saved(saved, dataset, context)
    return {
        "run": context.run.id if context.run else "",
        "model": saved.record.name,
        "file": str(saved.record.file),
        "epochs": result.epochs,
        "stopped": result.stopped,
        "accuracy": evaluation.accuracy if evaluation else None,
        "accuracy_interval": evaluation.accuracy_interval if evaluation else None,
        "disk_bytes": saved.record.disk_bytes,
    }
