"""Tensor trains of convolution kernels; experimental.

Use it to reproduce the method; its own authors do not call it fast. A kernel becomes a few spatial
filters and a train over the channels, which is far smaller and has to be trained anew.

References
----------
.. [1] Garipov et al., "Ultimate tensorization: compressing convolutional and FC layers alike",
   arXiv:1611.03214, 2016.
"""

from __future__ import annotations

from collections.abc import Generator
from math import prod
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import TENSOR_TRAIN, ApplyContext, Method, Planned
from emostudio.compression.fine_tuning import fine_tune, planned_training
from emostudio.compression.surgery import (
    WeightLayer,
    kernel_size,
    replace_layer,
    skeleton,
    with_structure,
    without_coded,
)
from emostudio.compression.tensor_train import TrainShape, decompose
from emostudio.compression.tensor_train_layers import TrainConv2d
from emostudio.compression.tensor_train_settings import (
    TRAINING,
    TensorTrainSettings,
    recorded_shape,
    shape_arguments,
    shape_of,
)
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel

_MODES = ("factored", "materialise")


class TtConvSettings(TensorTrainSettings):
    """Settings of the trains, and how they run."""

    layers: str = setting(
        "all",
        title="Layers",
        help="Layer names or wildcards; all takes every convolution of 3x3 and larger with enough "
        "channels.",
    )
    filters: int = setting(
        4,
        title="Spatial filters",
        help="Number of filters every channel goes through; at most the places of the kernel.",
        low=1,
        high=121,
    )
    mode: Literal["factored", "materialise"] = setting(
        "factored",
        title="Runs by",
        help="Factored never builds the kernel; materialise builds it at every call.",
    )
    modes: int = setting(
        3,
        title="Modes",
        help="How many factors each number of channels is split into.",
        low=2,
        high=6,
    )


class TtConv(Method[TtConvSettings]):
    """Replaces kernels by spatial filters and chains of cores over channels."""

    key = "tt_conv"
    title = "Tensor train (convolutions), experimental"
    family = rules.TENSOR_TRAIN
    summary = "Kernels become a few spatial filters and a chain of tiny cores; trained anew."
    reference = "Garipov et al., arXiv:1611.03214"
    settings_type = TtConvSettings
    leaves = frozenset({TENSOR_TRAIN})

    def refuses(self, name: str, layer: nn.Module, settings: TtConvSettings) -> str:
        """Return why `layer` cannot become a train, or nothing."""
        del name
        if not isinstance(layer, nn.Conv2d):
            return "not a convolution"
        if layer.groups != 1:
            return "grouped kernels are too small to decompose"
        if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
            return "only numeric zero padding can be split"
        if prod(kernel_size(layer)) < 4:
            return "a 1x1 kernel has no spatial part"
        if min(layer.in_channels, layer.out_channels) < 4:
            return "too few channels to split"
        try:
            shape = _shape(layer, settings)
        except InputError as error:
            return str(error)
        stored = shape.parameter_count + prod(kernel_size(layer)) * shape.ranks[0]
        return "the train would be no smaller" if stored >= layer.weight.numel() else ""

    def plan(self, model: LoadedModel, settings: TtConvSettings) -> Planned:
        """Predict the network with trains in place of kernels: sizes are exact."""
        selection = rules.select(self, model, settings)
        planned, notes = skeleton(model), []
        for name, layer in selection.layers.items():
            arguments = _arguments(layer, settings)
            with torch.device("meta"):
                replace_layer(planned.network(), name, self.rebuild(layer, arguments))
            planned = _recorded(planned, name, arguments)
            ranks = " ".join(map(str, arguments["ranks"][:-1]))
            notes.append(f"{name}: ranks {ranks}")
        return Planned(
            model=planned,
            trainings=planned_training(settings, **TRAINING),
            layers=tuple(selection.layers),
            notes=tuple(notes),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: TtConvSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Replace the layers of a copy, then train it."""
        result = model.copy()
        chosen = rules.select(self, result, settings).layers
        generator = torch.Generator().manual_seed(context.job.seed)
        for number, (name, layer) in enumerate(chosen.items()):
            yield Progress(fraction=number / len(chosen), message=f"Splitting {name}")
            context.job.report(number / len(chosen), f"Splitting {name}")
            arguments = _arguments(layer, settings)
            new = self.rebuild(layer, arguments)
            _start(new, layer, settings, generator)
            replace_layer(result.network(), name, new.train(layer.training))
            result = _recorded(result, name, arguments)
        if settings.epochs:
            packed = result.coded.keys()
            yield from fine_tune(
                result.network(), result.info, settings, context, fixed=packed, **TRAINING
            )
        return result

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> TrainConv2d:
        """Return the train that stands for a convolution, without values."""
        shape, mode = recorded_shape(arguments), arguments.get("mode")
        sizes = (prod(shape.out_modes), prod(shape.in_modes))
        fits = isinstance(layer, nn.Conv2d) and sizes == (layer.out_channels, layer.in_channels)
        if not isinstance(layer, nn.Conv2d) or not fits or mode not in _MODES:
            raise InputError("A tensor train cannot be rebuilt", why="it does not fit its layer")
        return TrainConv2d(layer, shape, "factored" if mode == "factored" else "materialise")


def _shape(layer: nn.Conv2d, settings: TtConvSettings) -> TrainShape:
    filters = min(settings.filters, prod(kernel_size(layer)))
    return shape_of(layer.out_channels, layer.in_channels, settings, filters)


def _arguments(layer: WeightLayer, settings: TtConvSettings) -> dict[str, Any]:
    if not isinstance(layer, nn.Conv2d):
        raise TypeError("tensor trains of kernels take convolutions")
    return {**shape_arguments(_shape(layer, settings)), "mode": settings.mode}


def _start(
    train: TrainConv2d, layer: WeightLayer, settings: TtConvSettings, generator: torch.Generator
) -> None:
    if settings.start == "scratch":
        train.draw(layer.weight[0].numel(), generator)
        return
    spatial, cores = split_kernel(layer.weight.detach().cpu().double().numpy(), train.train_shape)
    train.fill(cores)
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    with torch.no_grad():
        train.spatial.weight.copy_(torch.from_numpy(spatial))
        if bias is not None and train.bias is not None:
            train.bias.copy_(bias)


def split_kernel(
    kernel: NDArray[np.float64], shape: TrainShape
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return spatial filters (kH * kW, r_0) and the cores over channels of a kernel.

    Parameters
    ----------
    kernel
        (C_out, C_in, kH, kW).
    shape
        Sizes of the train; its inner ranks are the largest that are kept.
    """
    out_channels, in_channels = kernel.shape[:2]
    unfolded = kernel.reshape(out_channels * in_channels, -1).T
    left, values, right = np.linalg.svd(unfolded, full_matrices=False)
    kept = shape.ranks[0]
    rest = (values[:kept, None] * right[:kept]).reshape(kept, out_channels, in_channels)
    cores, _ = decompose(rest, shape.out_modes, shape.in_modes, max(shape.ranks[1:]))
    return left[:, :kept], cores


def _recorded(model: LoadedModel, name: str, arguments: dict[str, Any]) -> LoadedModel:
    record = StructureRecord(layer=name, method=TtConv.key, arguments=arguments)
    return without_coded(with_structure(model, record), f"{name}.weight")


METHOD = TtConv()
