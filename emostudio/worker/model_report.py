"""A model layer by layer: parameters, multiply-adds, bytes in the file, fitting methods."""

from __future__ import annotations

from pathlib import Path

from emostudio.compression.packing import layer_bytes
from emostudio.compression.rules import applicable_methods
from emostudio.core.answers import LayerReport, ModelReport
from emostudio.evaluation.complexity import count, total_macs, total_parameters
from emostudio.models.loaded import LoadedModel


def model_report(model: LoadedModel, file: Path) -> ModelReport:
    """Describe a model as it lies in `file`."""
    layers: tuple[LayerReport, ...] = ()
    parameters = macs = None
    if model.module is not None:
        costs = count(model.module, model.input_shape)
        parameters, macs = total_parameters(costs), total_macs(costs)
        stored = layer_bytes(model)
        methods = applicable_methods(model)
        layers = tuple(
            LayerReport(
                name=cost.name,
                kind=cost.kind,
                parameters=cost.parameters,
                macs=cost.macs,
                disk_bytes=_bytes_of(cost.name, stored),
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
        disk_bytes=file.stat().st_size,
        input_shape=model.input_shape,
        labels=tuple(model.info.labels),
        layers=layers,
        recipe=model.info.recipe.model_dump(mode="json"),
        file=str(file),
        info=model.info,
    )


def _bytes_of(layer: str, stored: dict[str, int]) -> int:
    """Sum what is stored for a layer and for the parts inside it."""
    return sum(
        size for name, size in stored.items() if name == layer or name.startswith(f"{layer}.")
    )
