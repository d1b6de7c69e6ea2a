"""Layer by layer: time, kernel, multiply-adds, bytes and weight error, parent beside child."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial

from torch import nn

from emostudio.compression.folding import fold, foldable
from emostudio.core.answers import LayerReport
from emostudio.core.comparing import LayerProfile, ModelProfile, ProfileReport
from emostudio.core.errors import InputError
from emostudio.core.events import Note
from emostudio.core.jobs import ProfileJob
from emostudio.evaluation import machine, validity
from emostudio.evaluation.bench import bench_inputs
from emostudio.evaluation.foreign_load import LoadMeter, load_facts
from emostudio.evaluation.layer_profile import ENGINES, LayerTime, profile
from emostudio.evaluation.weight_error import weight_errors
from emostudio.inference.base import kernels_of
from emostudio.inference.catalogue import ENGINES as ALL_ENGINES
from emostudio.inference.catalogue import default_engine
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext, Handling, other_work
from emostudio.worker.model_report import described_model
from emostudio.worker.resolve import Found, find_models

LEAST_BLOCKS = 6


def handle(job: ProfileJob, context: HandlerContext) -> Handling:
    """Answer with a `ProfileReport`; rows are the first model's layers."""
    _check_blocks(job.blocks)
    found = find_models(job.models, context.workspace)
    models = {one.name: one.load() for one in found}
    first = models[found[0].name]
    for name, model in models.items():
        if model.module is None:
            raise InputError(f"{name} is a black box", why="its layers are not known")
    engines = {name: _engine(model, job.engine) for name, model in models.items()}
    beside = other_work(context)
    for work in beside:
        yield Note(level="warning", what=f"{work} was running at the same time")
    rows = [layer.name for layer in described_model(first, 0).layers]
    before, meter = machine.conditions(), LoadMeter()
    times = yield from profile(
        {name: (model, engines[name]) for name, model in models.items()},
        {name: bench_inputs(model.info.preprocessing, 1) for name, model in models.items()},
        job.threads,
        job.blocks,
        lambda layer: row_of(layer, rows),
    )
    load = load_facts([meter.read()])
    disturbances = (
        *machine.disturbances(before, machine.conditions(), job.threads),
        *validity.foreign_load_words(load["foreign_share"]),
    )
    for words in disturbances:
        yield Note(level="warning", what=words)
    describe = partial(_described, first=first, job=job)
    return ProfileReport(
        machine=machine.describe(),
        blocks=job.blocks,
        profiles=tuple(describe(one, models[one.name], times[one.name], engines[one.name])
                       for one in found),
        conditions={**before, "foreign_share": load["foreign_share"], "threads": job.threads},
        warnings=(*(f"{work} was running at the same time" for work in beside), *disturbances),
    )  # fmt: skip


def _check_blocks(count: int) -> None:
    if count < LEAST_BLOCKS:
        raise InputError(
            f"{count} blocks are too few",
            why="the range of five medians, or fewer, covers less than 95 %",
            next_step=f"Ask for {LEAST_BLOCKS} or more",
        )


def row_of(layer: str, rows: Sequence[str]) -> str:
    """Return the row a layer belongs to: the one it is, or is a part of, else its own."""
    fitting = [row for row in rows if layer == row or layer.startswith(f"{row}.")]
    return max(fitting, key=len, default=layer)


def as_folded(parent: nn.Module, child: nn.Module) -> nn.Module:
    """Return the parent with the normalisations folded that the child has folded.

    Their factors are in the child's weights: without this they would count as errors.
    """
    try:
        pairs = foldable(parent)
    except InputError:  # it cannot be followed, so nothing of it was folded either
        return parent
    inside = dict(child.named_modules())
    gone = {name: norm for name, norm in pairs.items() if isinstance(inside.get(norm), nn.Identity)}
    if not gone:
        return parent
    copied = copy.deepcopy(parent)
    fold(copied, gone)
    return copied


def _engine(model: LoadedModel, asked: str | None) -> str:
    if asked is not None:
        engine = ALL_ENGINES.get(asked)
        if asked in ENGINES and (reason := engine.supports(model)):
            raise InputError(f"{model.info.name} does not run on {asked}", why=reason)
        return asked
    chosen = default_engine(model)
    return chosen if chosen in ENGINES else ENGINES[0]


def _described(
    found: Found,
    model: LoadedModel,
    times: Sequence[LayerTime],
    engine: str,
    *,
    first: LoadedModel,
    job: ProfileJob,
) -> ModelProfile:
    layers = described_model(model, found.disk_bytes).layers
    rows = [layer.name for layer in described_model(first, 0).layers]
    timed = {time.layer: time for time in times if time.layer}
    kinds = {layer.name: layer.kind for layer in layers}
    names = list(dict.fromkeys([row_of(layer.name, rows) for layer in layers] + list(timed)))
    errors = {} if model is first else _weight_errors(first, model)
    shown = (
        _layer(
            name,
            [layer for layer in layers if row_of(layer.name, rows) == name],
            timed.get(name),
            kinds.get(name, ""),
            errors.get(name),
        )
        for name in names
    )
    return ModelProfile(
        model=found.name,
        engine=engine,
        threads=job.threads,
        kernels=kernels_of(model.network(), engine),
        layers=tuple(shown),
        other_ms=sum(time.ms for time in times if not time.layer),
        total_ms=sum(time.ms for time in times),
    )


def _weight_errors(first: LoadedModel, model: LoadedModel) -> dict[str, float]:
    weighted = [layer.name for layer in described_model(first, 0).layers if layer.macs]
    reference = as_folded(first.network(), model.network())
    return weight_errors(reference, model.network(), first.input_shape, weighted)


def _layer(
    name: str,
    parts: Sequence[LayerReport],
    time: LayerTime | None,
    kind: str,
    weight_error: float | None,
) -> LayerProfile:
    return LayerProfile(
        layer=name,
        kind=kind or ", ".join(dict.fromkeys(part.kind for part in parts)),
        kernels=time.kernels if time else (),
        ms=time.ms if time else None,
        interval=time.interval if time else None,
        macs=sum(part.macs for part in parts),
        parameters=sum(part.parameters for part in parts),
        disk_bytes=sum(part.disk_bytes for part in parts),
        weight_error=weight_error,
        parts=len(parts),
    )
