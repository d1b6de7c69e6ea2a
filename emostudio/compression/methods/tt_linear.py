"""TensorNet: fully connected layers as tensor trains of a few thousand numbers.

Use it where dense layers hold nearly all parameters: they all but vanish. The cores have to be
trained from scratch, best with the teacher's help, and the arithmetic is bound by memory: measure.

References
----------
.. [1] Novikov et al., "Tensorizing neural networks", NeurIPS 2015, arXiv:1509.06569.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from math import prod
from typing import Any

import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import TENSOR_TRAIN, ApplyContext, Method, Planned
from emostudio.compression.fine_tuning import fine_tune, planned_training
from emostudio.compression.surgery import (
    WeightLayer,
    replace_layer,
    skeleton,
    weight_layers,
    with_structure,
    without_coded,
)
from emostudio.compression.tensor_train import decompose, has_enough_factors
from emostudio.compression.tensor_train_layers import TrainLinear
from emostudio.compression.tensor_train_settings import (
    TRAINING,
    TensorTrainSettings,
    recorded_shape,
    shape_arguments,
    shape_of,
)
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel


class TtLinearSettings(TensorTrainSettings):
    """Settings of the trains, and what stands behind them."""

    layers: str = setting(
        "all",
        title="Layers",
        help="Layer names or wildcards; all takes every fully connected layer but the last.",
    )
    batch_norm: bool = setting(
        True,
        title="Batch normalisation",
        help="Put one behind each train; without it training often does not start.",
    )


class TtLinear(Method[TtLinearSettings]):
    """Replaces matrices by chains of cores."""

    key = "tt_linear"
    title = "Tensor train (linear)"
    family = rules.TENSOR_TRAIN
    summary = "Dense layers become chains of tiny cores; they are trained anew."
    reference = "Novikov et al., NeurIPS 2015, arXiv:1509.06569"
    settings_type = TtLinearSettings
    claim = ClaimInfo(smaller=80.0, baseline="a small net on CIFAR-10", source="Table 1")
    leaves = frozenset({TENSOR_TRAIN})

    def refuses(self, name: str, layer: nn.Module, settings: TtLinearSettings) -> str:
        """Return why `layer` cannot become a train, or nothing."""
        del name
        if not isinstance(layer, nn.Linear):
            return "not a fully connected layer"
        for size in (layer.out_features, layer.in_features):
            if not has_enough_factors(size):
                return f"dimension {size} cannot be split into three modes or more"
        try:
            shape = shape_of(layer.out_features, layer.in_features, settings)
        except InputError as error:
            return str(error)
        if shape.parameter_count >= layer.weight.numel():
            return f"rank {settings.rank} gives no smaller layer"
        return ""

    def plan(self, model: LoadedModel, settings: TtLinearSettings) -> Planned:
        """Predict the network with trains in place of matrices: sizes are exact."""
        selection = rules.select(self, model, settings)
        chosen = _without_last(model, selection.layers)
        planned, notes = skeleton(model), []
        for name, layer in chosen.items():
            arguments = _arguments(layer, settings)
            with torch.device("meta"):
                replace_layer(planned.network(), name, self.rebuild(layer, arguments))
            planned = _recorded(planned, name, arguments)
            notes.append(_note(name, arguments, settings))
        return Planned(
            model=planned,
            trainings=planned_training(settings, **TRAINING),
            layers=tuple(chosen),
            notes=tuple(notes),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: TtLinearSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Replace the layers of a copy, then train it."""
        result = model.copy()
        chosen = _without_last(result, rules.select(self, result, settings).layers)
        generator = torch.Generator().manual_seed(context.job.seed)
        for number, (name, layer) in enumerate(chosen.items()):
            yield Progress(fraction=number / len(chosen), message=f"Splitting {name}")
            context.job.report(number / len(chosen), f"Splitting {name}")
            arguments = _arguments(layer, settings)
            new = self.rebuild(layer, arguments)
            train = new.get_submodule("chain")
            if isinstance(train, TrainLinear):
                _start(train, layer, settings, generator)
            replace_layer(result.network(), name, new.train(layer.training))
            result = _recorded(result, name, arguments)
        if settings.epochs:
            packed = result.coded.keys()
            yield from fine_tune(
                result.network(), result.info, settings, context, fixed=packed, **TRAINING
            )
        return result

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return the train, and the normalisation behind it, without values."""
        shape = recorded_shape(arguments)
        sizes = (prod(shape.out_modes), prod(shape.in_modes), shape.ranks[0])
        if not isinstance(layer, nn.Linear) or sizes != (layer.out_features, layer.in_features, 1):
            raise InputError("A tensor train cannot be rebuilt", why="it does not fit its layer")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["chain"] = TrainLinear(shape, bias=layer.bias is not None)
        if arguments.get("batch_norm") is True:
            layers["bn"] = nn.BatchNorm1d(layer.out_features)
        return nn.Sequential(layers)


def _without_last(model: LoadedModel, layers: dict[str, WeightLayer]) -> dict[str, WeightLayer]:
    """Leave the layer that gives the answers as it is."""
    last = list(weight_layers(model.network()))[-1] if model.module is not None else ""
    return {name: layer for name, layer in layers.items() if name != last}


def _arguments(layer: nn.Module, settings: TtLinearSettings) -> dict[str, Any]:
    if not isinstance(layer, nn.Linear):
        raise TypeError("tensor trains of matrices take fully connected layers")
    shape = shape_of(layer.out_features, layer.in_features, settings)
    return {**shape_arguments(shape), "batch_norm": settings.batch_norm}


def _note(name: str, arguments: dict[str, Any], settings: TtLinearSettings) -> str:
    modes = "x".join(map(str, arguments["out_modes"])), "x".join(map(str, arguments["in_modes"]))
    inner = arguments["ranks"][1:-1]
    cut = " (cut to the largest useful)" if any(one < settings.rank for one in inner) else ""
    return f"{name}: {modes[0]} by {modes[1]}, ranks {' '.join(map(str, inner))}{cut}"


def _start(
    train: TrainLinear, layer: WeightLayer, settings: TtLinearSettings, generator: torch.Generator
) -> None:
    shape = train.train_shape
    if settings.start == "scratch":
        train.draw(prod(shape.in_modes), generator)
        return
    matrix = layer.weight.detach().cpu().double().numpy()
    cores, _ = decompose(matrix, shape.out_modes, shape.in_modes, settings.rank)
    train.fill(cores)
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    if bias is not None and train.bias is not None:
        with torch.no_grad():
            train.bias.copy_(bias)


def _recorded(model: LoadedModel, name: str, arguments: dict[str, Any]) -> LoadedModel:
    record = StructureRecord(layer=name, method=TtLinear.key, arguments=arguments)
    return without_coded(with_structure(model, record), f"{name}.weight")


METHOD = TtLinear()
