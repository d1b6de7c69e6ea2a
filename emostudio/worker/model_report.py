"""A model layer by layer: parameters, multiply-adds, bytes in the file, fitting methods."""

from __future__ import annotations

from pathlib import Path

from emostudio.compression.catalogue import METHODS
from emostudio.compression.packing import parameter_bytes
from emostudio.compression.rules import applicable_methods
from emostudio.compression.storage import layer_storage
from emostudio.core.answers import LayerReport, ModelReport, SizeFigure
from emostudio.evaluation.complexity import count, total_macs, total_parameters
from emostudio.exports.catalogue import export_refusals
from emostudio.models.loaded import LoadedModel


def model_report(model: LoadedModel, file: Path) -> ModelReport:
    """Describe a model as it lies in `file`."""
    report = described_model(model, file.stat().st_size)
    return report.model_copy(update={"file": str(file)})


def described_model(model: LoadedModel, disk_bytes: int) -> ModelReport:
    """Describe a model whose file has, or would have, `disk_bytes`; values are not needed."""
    layers: tuple[LayerReport, ...] = ()
    parameters = macs = None
    if model.module is not None:
        costs = count(model.module, model.input_shape)
        parameters, macs = total_parameters(costs), total_macs(costs)
        stored = layer_storage(model)
        methods = applicable_methods(model)
        layers = tuple(
            LayerReport(
                name=cost.name,
                kind=cost.kind,
                parameters=cost.parameters,
                macs=cost.macs,
                disk_bytes=sum(_stored_for(cost.name, stored).values()),
                stored=_stored_for(cost.name, stored),
                output_shape=cost.output_shape,
                methods=methods.get(cost.name, ()),
            )
            for cost in costs
        )
    return ModelReport(
        model=model.info.name,
        architecture=model.info.architecture,
        parameters=parameters,
        macs=macs,
        disk_bytes=disk_bytes,
        input_shape=model.input_shape,
        labels=tuple(model.info.labels),
        layers=layers,
        sizes=_sizes(model, parameters, disk_bytes),
        recipe=model.info.recipe.model_dump(mode="json"),
        info=model.info,
        export_refusals=export_refusals(model),
    )


def _sizes(model: LoadedModel, parameters: int | None, disk_bytes: int) -> tuple[SizeFigure, ...]:
    """Return the sizes people mean when they say size; only the last is the file's."""
    figures: list[SizeFigure] = []
    if parameters is not None:
        figures.append(SizeFigure(what="parameters as float32", size_bytes=4 * parameters))
        figures.append(SizeFigure(what="parameters as stored", size_bytes=parameter_bytes(model)))
    claims = [METHODS.get(step.method).paper_bytes(model) for step in model.info.recipe.steps]
    figures += [
        SizeFigure(what="as the paper counts", size_bytes=claim, is_claim=True)
        for claim in [claim for claim in claims if claim is not None][-1:]
    ]
    figures.append(SizeFigure(what="file", size_bytes=disk_bytes))
    return tuple(figures)


def _stored_for(layer: str, stored: dict[str, dict[str, int]]) -> dict[str, int]:
    """Sum what is stored for a layer and for the parts inside it, by what it is for."""
    found: dict[str, int] = {}
    for name, parts in stored.items():
        if name == layer or name.startswith(f"{layer}."):
            for role, size in parts.items():
                found[role] = found.get(role, 0) + size
    return found
