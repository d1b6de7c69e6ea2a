"""TensorNet: fully connected layers as tensor trains of a few thousand numbers.

Use it where dense layers hold nearly all parameters: they all but vanish. The cores have to be
trained from scratch, best with the teacher's help, and the arithmetic is bound by memory: measure.

References
----------
.. [1] Novikov et al., "Tensorizing neural networks", NeurIPS 2015, arXiv:1509.06569.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import TENSOR_TRAIN
from emostudio.compression.replacement import ReplacementMethod, bias_of
from emostudio.compression.surgery import WeightLayer, weight_layers
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
from emostudio.core.machine_card import BENCHMARK
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


class TtLinear(ReplacementMethod[TtLinearSettings]):
    """Replaces matrices by chains of cores."""

    key = "tt_linear"
    title = "Tensor train (linear)"
    family = rules.TENSOR_TRAIN
    summary = "Dense layers become chains of tiny cores; they are trained anew."
    reference = "Novikov et al., NeurIPS 2015, arXiv:1509.06569"
    settings_type = TtLinearSettings
    decided_by = BENCHMARK
    claim = ClaimInfo(smaller=80.0, baseline="a small net on CIFAR-10", source="Table 1")
    leaves = frozenset({TENSOR_TRAIN})
    training = TRAINING

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

    def chosen(self, model: LoadedModel, settings: TtLinearSettings) -> rules.Selection:
        """Return the layers that become trains: never the one that gives the answers."""
        selection = rules.select(self, model, settings)
        last = list(weight_layers(model.network()))[-1] if model.module is not None else ""
        layers = {name: layer for name, layer in selection.layers.items() if name != last}
        return replace(selection, layers=layers)

    def arguments(self, layer: WeightLayer, settings: TtLinearSettings) -> dict[str, Any]:
        """Return the sizes of the train."""
        if not isinstance(layer, nn.Linear):
            raise TypeError("tensor trains of matrices take fully connected layers")
        shape = shape_of(layer.out_features, layer.in_features, settings)
        return {**shape_arguments(shape), "batch_norm": settings.batch_norm}

    def note(
        self,
        name: str,
        layer: WeightLayer,
        arguments: dict[str, Any],
        settings: TtLinearSettings,
    ) -> str:
        """Return modes and ranks, and whether a rank was cut."""
        del layer
        modes = [" x ".join(map(str, arguments[side])) for side in ("out_modes", "in_modes")]
        inner = arguments["ranks"][1:-1]
        cut = " (cut to the largest useful)" if any(one < settings.rank for one in inner) else ""
        return f"{name}: {modes[0]} by {modes[1]}, ranks {' '.join(map(str, inner))}{cut}"

    def start(
        self,
        new: nn.Module,
        layer: WeightLayer,
        settings: TtLinearSettings,
        generator: torch.Generator,
    ) -> None:
        """Draw the cores, or cut the trained layer to the rank."""
        chain = new.get_submodule("chain")
        if not isinstance(chain, TrainLinear):
            raise TypeError("only trains have cores")
        shape, bias = chain.train_shape, bias_of(layer)
        if settings.start == "scratch":
            chain.draw(prod(shape.in_modes), generator)
            return
        matrix = layer.weight.detach().cpu().double().numpy()
        cores, _ = decompose(matrix, shape.out_modes, shape.in_modes, settings.rank)
        chain.fill(cores)
        if bias is not None and chain.bias is not None:
            with torch.no_grad():
                chain.bias.copy_(bias)

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


METHOD = TtLinear()
