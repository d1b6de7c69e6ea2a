"""Thin layers that stand for one: the part of a layer's geometry each takes, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from emostudio.compression.surgery import WeightLayer, kernel_size
from emostudio.core.errors import InputError

MAX_RANK = 65_536
VECTOR_CHANNELS = 16
"""Channels that vector kernels of convolutions take at once; others fall back to plain loops."""
_LEAST_VECTORS = 4


def kernel_shape(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """Return (C_out, C_in, kH, kW)."""
    return (layer.out_channels, layer.in_channels, *kernel_size(layer))


def part(
    layer: nn.Conv2d,
    c_in: int,
    c_out: int,
    *,
    rows: bool = False,
    columns: bool = False,
    groups: int = 1,
    bias: bool = False,
) -> nn.Conv2d:
    """Return a convolution with the vertical, the horizontal, both or no geometry of `layer`.

    Kernel side, stride, padding and dilation of a direction belong together: given to different
    parts, the outputs would differ at the border.
    """
    (height, width), padding = kernel_size(layer), [int(side) for side in layer.padding]
    vertical = (height, layer.stride[0], padding[0], layer.dilation[0]) if rows else (1, 1, 0, 1)
    level = (width, layer.stride[1], padding[1], layer.dilation[1]) if columns else (1, 1, 0, 1)
    kernel, stride, around, dilation = zip(vertical, level, strict=True)
    return nn.Conv2d(
        c_in, c_out, kernel, stride, around, dilation=dilation, groups=groups, bias=bias
    )


def filled(
    layers: nn.Sequential, layer: WeightLayer, weights: Mapping[str, torch.Tensor]
) -> nn.Sequential:
    """Give the children of `layers` their weights, and the last one the bias of `layer`.

    Parameters
    ----------
    layers
        Children that hold a weight each.
    layer
        The layer they stand for; they get its device, type and training mode.
    weights
        Name of a child to its weight, of that weight's shape or one that broadcasts to it.
    """
    layers = layers.to(layer.weight)
    with torch.no_grad():
        for name, weight in weights.items():
            layers.get_submodule(name).get_parameter("weight").copy_(weight)
        bias = getattr(layer, "bias", None)
        if bias is not None:
            layers[-1].get_parameter("bias").copy_(bias)
    return layers.train(layer.training)


def why_unsplittable(layer: nn.Conv2d) -> str:
    """Return why a convolution cannot be split at all, or nothing."""
    if layer.groups != 1:
        return "grouped kernels are too small to decompose"
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return "only numeric zero padding can be split into rows and columns"
    return ""


def convolution(layer: nn.Module) -> nn.Conv2d:
    """Return `layer`, which a method has already found to be a convolution."""
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"{type(layer).__name__} is no convolution")
    return layer


def decomposable(layer: nn.Module) -> nn.Conv2d | nn.Linear:
    """Return `layer` if it is a convolution or fully connected.

    Raises
    ------
    InputError
        If a file says that another one was decomposed.
    """
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        raise InputError(
            "A decomposed layer cannot be rebuilt",
            why=f"{type(layer).__name__} is neither a convolution nor fully connected",
            next_step="Get a fresh copy of the file",
        )
    return layer


def vector_rank(rank: int) -> int:
    """Return the next lower rank that vector kernels take whole, or `rank` if that loses much."""
    is_wide = rank >= _LEAST_VECTORS * VECTOR_CHANNELS
    return rank - rank % VECTOR_CHANNELS if is_wide else rank


def rank_argument(arguments: Mapping[str, Any], name: str = "rank") -> int:
    """Return a rank that a file states.

    Raises
    ------
    InputError
        If it is none, or beyond all reason.
    """
    rank = arguments.get(name)
    if type(rank) is not int or not 0 < rank <= MAX_RANK:
        raise InputError(
            "A decomposed layer cannot be rebuilt",
            why=f"its {name.replace('_', ' ')} is {rank!r}",
            next_step="Get a fresh copy of the file",
        )
    return rank
