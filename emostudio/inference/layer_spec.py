"""What a layer tells the packed engine about itself, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

MOST_INPUTS = 65535
"""Differing signs are counted in 16 bits."""
LEAST_OUTPUTS = 32
MOST_LEVELS = 256
_GLANCE = 4096
_LEAST_SHARES = 8


@dataclass(frozen=True)
class SignLayerSpec:
    """A layer whose inputs are signs, with everything that belongs to it.

    The layer computes, per channel and in this order: the sign of ``x * input_scale +
    input_shift``, the convolution or product, the scaling by K where asked, ``* scale + shift``,
    the shortcut, a PReLU of `slope`, ``+ post``.

    Attributes
    ----------
    layer
        Its weights are two-valued per filter, plus and minus the same number.
    input_scale, input_shift
        Shape (C_in,).
    surround
        Width (vertical, horizontal) of zeros put around the input before all else.
    input_scaling
        Whether sums are multiplied by the mean magnitude of the inputs under the kernel.
    scale, shift
        What follows the sums, shape (C_out,).
    shortcut
        Repeats of the channels, vertical and horizontal stride; None for no shortcut.
    slope, post
        Shape (C_out,); a slope of 1 and a post of 0 do nothing.
    """

    layer: nn.Conv2d | nn.Linear
    input_scale: torch.Tensor
    input_shift: torch.Tensor
    surround: tuple[int, int]
    input_scaling: bool
    scale: torch.Tensor
    shift: torch.Tensor
    shortcut: tuple[int, int, int] | None
    slope: torch.Tensor
    post: torch.Tensor


@runtime_checkable
class SignLayerLike(Protocol):
    """A layer with inputs of signs declares what it is by this method."""

    def packed_spec(self) -> SignLayerSpec | None:
        """Return the layer in numbers, or None while its weights are not binary."""
        ...


def channels_of(layer: nn.Conv2d | nn.Linear) -> tuple[int, int]:
    """Return C_in and C_out."""
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels, layer.out_channels
    return layer.in_features, layer.out_features


def affine_of(layer: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale and shift, each (C,), of a batch normalisation in evaluation mode.

    Raises
    ------
    TypeError
        If the layer is none, or keeps no running statistics.
    """
    if (
        not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
        or layer.running_var is None
        or layer.running_mean is None
    ):
        raise TypeError(f"{type(layer).__name__} is no batch normalisation with statistics")
    variance, mean = layer.running_var.double(), layer.running_mean.double()
    gamma = torch.ones_like(variance) if layer.weight is None else layer.weight.double()
    beta = torch.zeros_like(variance) if layer.bias is None else layer.bias.double()
    scale = gamma / torch.sqrt(variance + layer.eps)
    shift = beta - mean * scale
    return scale.float().detach(), shift.float().detach()


def binary_scales(weight: torch.Tensor) -> torch.Tensor | None:
    """Return alpha (O,) where every filter of (O, ...) holds only plus and minus alpha."""
    flat = weight.detach().reshape(len(weight), -1)
    size = flat[:, 0].abs()
    if not bool(torch.all(flat[0].abs() == size[0])):  # most layers fail here, at once
        return None
    return size if bool(torch.all(flat.abs() == size[:, None])) else None


def why_not_packed(spec: SignLayerSpec | None) -> str:
    """Return why a layer on signs has no packed kernel, or nothing."""
    if spec is None or binary_scales(spec.layer.weight) is None:
        return "its weights are not binary"
    fan_in = spec.layer.weight[0].numel()
    return "" if fan_in <= MOST_INPUTS else f"{fan_in} inputs are more than 16 bits can count"


def has_kernels(network: nn.Module) -> bool:
    """Whether a network holds a layer that has kernels of its own."""
    return any(_has_kernel(layer) for layer in network.modules())


def _has_kernel(layer: nn.Module) -> bool:
    if isinstance(layer, SignLayerLike):
        return not why_not_packed(layer.packed_spec())
    return takes_binary_weights(layer) or takes_codes(layer)


def takes_codes(layer: nn.Module) -> bool:
    """Whether there is a kernel for a linear layer of at most 256 different weights.

    Each has to be shared by some, or codes and values would take more than the weights.
    """
    if type(layer) is not nn.Linear or layer.out_features < LEAST_OUTPUTS:
        return False
    levels = shared_levels(layer.weight)
    return levels is not None and _LEAST_SHARES * len(levels) <= layer.weight.numel()


def shared_levels(weight: torch.Tensor) -> torch.Tensor | None:
    """Return the different values of a tensor in ascending order, None if more than 256."""
    flat = weight.detach().reshape(-1)
    levels = torch.unique(flat[:_GLANCE])  # most layers have more already here
    if len(levels) > MOST_LEVELS:
        return None
    places = torch.searchsorted(levels, flat).clamp_(max=len(levels) - 1)
    if not bool(torch.all(levels[places] == flat)):
        levels = torch.unique(flat)
    return levels if len(levels) <= MOST_LEVELS else None


def takes_binary_weights(layer: nn.Module) -> bool:
    """Whether there are kernels for a layer's binary weights and numbers as inputs.

    They compute 64 outputs at a time: groups of few outputs would leave most of that unused.
    """
    if type(layer) is nn.Conv2d:  # a subclass may compute something else
        fits = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
        if not fits or layer.out_channels // layer.groups < LEAST_OUTPUTS:
            return False
    elif type(layer) is not nn.Linear or layer.out_features < LEAST_OUTPUTS:
        return False
    return binary_scales(layer.weight) is not None
