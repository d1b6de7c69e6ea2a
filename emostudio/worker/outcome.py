"""What jobs that make a model do at their end: save it, register it, evaluate it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Literal

from emostudio.compression.packing import predict_bytes, save_variant
from emostudio.core.answers import EvaluationResult
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, Progress, VariantSaved
from emostudio.core.paths import safe_name
from emostudio.data.dataset import Dataset
from emostudio.evaluation.accuracy import evaluate
from emostudio.inference.catalogue import open_classifier
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext
from emostudio.worker.listening import TrainingCosts
from emostudio.worker.resolve import macs_of
from emostudio.workspace.comparison import STEP_MS_KEY, TRAINING_PEAK_KEY
from emostudio.workspace.records import ModelRecord

TEST = "test"
EPOCHS_KEY, SECONDS_KEY = "epochs", "training_seconds"
"""Keys under which `ModelInfo.measurements` of a teacher keeps how long it was trained."""
_COSTS = frozenset({EPOCHS_KEY, SECONDS_KEY, STEP_MS_KEY, TRAINING_PEAK_KEY})


@dataclass(frozen=True)
class Saved:
    """A model that lies in the workspace, and its record."""

    model: LoadedModel
    record: ModelRecord


def without_costs(model: LoadedModel) -> LoadedModel:
    """Forget what training a model cost: a variant that came from it has costs of its own."""
    kept = {key: value for key, value in model.info.measurements.items() if key not in _COSTS}
    return replace(model, info=model.info.model_copy(update={"measurements": kept}))


def with_costs(model: LoadedModel, costs: TrainingCosts) -> LoadedModel:
    """Note in a model's description what its training cost: median step time, highest memory."""
    measured: dict[str, float] = {}
    if costs.step_ms:
        measured[STEP_MS_KEY] = round(statistics.median(costs.step_ms), 3)
    if costs.peak_bytes is not None:
        measured[TRAINING_PEAK_KEY] = costs.peak_bytes
    if not measured:
        return model
    measurements = {**model.info.measurements, **measured}
    info = model.info.model_copy(update={"measurements": measurements})
    return replace(model, info=info)


def save_model(
    model: LoadedModel,
    wanted: str,
    context: HandlerContext,
    *,
    role: Literal["teacher", "variant"],
) -> Generator[Event, None, Saved]:
    """Write a model into the workspace under a free name close to `wanted`, and register it.

    A run that is resumed after it had saved its model writes the same one again.
    """
    workspace = context.workspace
    name = _saved_before(wanted, context) or workspace.free_model_name(wanted)
    suffix = ".onnx" if model.onnx_bytes is not None else ".safetensors"
    file = workspace.models_folder / f"{name}{suffix}"
    info = model.info.model_copy(update={"name": name})
    if context.run is not None:
        lineage = info.lineage.model_copy(update={"run": context.run.id})
        info = info.model_copy(update={"lineage": lineage})
    named = replace(model, info=info, file=file)
    planned = predict_bytes(named)
    written = save_variant(named, file)
    record = workspace.add_model(
        file, named.info, role=role, parameters=named.parameter_count, macs=macs_of(named)
    )
    yield VariantSaved(model=name, file=str(file), disk_bytes=written, planned_disk_bytes=planned)
    return Saved(named, record)


def _saved_before(wanted: str, context: HandlerContext) -> str | None:
    """Return the name under which this run saved this model before it was cut short."""
    if context.run is None:
        return None
    own = re.compile(rf"{re.escape(safe_name(wanted))}(-\d+)?")
    models = [model for model in context.workspace.models() if model.run == context.run.id]
    return next((model.name for model in models if own.fullmatch(model.name)), None)


def evaluate_saved(
    saved: Saved, dataset: Dataset, context: HandlerContext
) -> Generator[Event, None, EvaluationResult | None]:
    """Evaluate a saved model on the test split and keep the result; None if nothing is judged."""
    yield Progress(message=f"Evaluating {saved.record.name}")
    classifier = open_classifier(saved.model, threads=context.threads)
    try:
        result = evaluate(classifier, dataset, TEST, saved.record.name, context.control.report)
    except InputError as error:
        yield Note(level="warning", what=error.what, why=error.why, next_step=error.next_step)
        return None
    finally:
        classifier.close()
    context.workspace.add_evaluation(
        saved.record.name, dataset.name, TEST, result, fingerprint=dataset.fingerprint
    )
    return result
