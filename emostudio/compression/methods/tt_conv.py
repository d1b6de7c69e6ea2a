"""Tensor trains of convolution kernels; experimental.

Use it to reproduce the method; its own authors do not call it fast. A kernel becomes a few spatial
filters and a train over the channels, which is far smaller and has to be trained anew.

References
----------
.. [1] Garipov et al., "Ultimate tensorization: compressing convolutional and FC layers alike",
   arXiv:1611.03214, 2016.
"""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import TENSOR_TRAIN
from emostudio.compression.replacement import ReplacementMethod, bias_of
from emostudio.compression.surgery import WeightLayer, kernel_size
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
from emostudio.core.machine_card import BENCHMARK
from emostudio.core.settings import setting

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


class TtConv(ReplacementMethod[TtConvSettings]):
    """Replaces kernels by spatial filters and chains of cores over channels."""

    key = "tt_conv"
    title = "Tensor train (convolutions), experimental"
    family = rules.TENSOR_TRAIN
    summary = "Kernels become a few spatial filters and a chain of tiny cores; trained anew."
    reference = "Garipov et al., arXiv:1611.03214"
    settings_type = TtConvSettings
    decided_by = BENCHMARK
    leaves = frozenset({TENSOR_TRAIN})
    training = TRAINING

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

    def arguments(self, layer: WeightLayer, settings: TtConvSettings) -> dict[str, Any]:
        """Return the sizes of the train, and how it runs."""
        if not isinstance(layer, nn.Conv2d):
            raise TypeError("tensor trains of kernels take convolutions")
        return {**shape_arguments(_shape(layer, settings)), "mode": settings.mode}

    def note(
        self, name: str, layer: WeightLayer, arguments: dict[str, Any], settings: TtConvSettings
    ) -> str:
        """Return the ranks, the number of filters first."""
        del layer, settings
        return f"{name}: ranks {' '.join(map(str, arguments['ranks'][:-1]))}"

    def start(
        self,
        new: nn.Module,
        layer: WeightLayer,
        settings: TtConvSettings,
        generator: torch.Generator,
    ) -> None:
        """Draw filters and cores, or split the trained kernel."""
        if not isinstance(new, TrainConv2d):
            raise TypeError("only trains have cores")
        if settings.start == "scratch":
            new.draw(layer.weight[0].numel(), generator)
            return
        kernel = layer.weight.detach().cpu().double().numpy()
        spatial, cores = split_kernel(kernel, new.train_shape)
        new.fill(cores)
        bias = bias_of(layer)
        with torch.no_grad():
            new.spatial.weight.copy_(torch.from_numpy(spatial))
            if bias is not None and new.bias is not None:
                new.bias.copy_(bias)

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


METHOD = TtConv()
