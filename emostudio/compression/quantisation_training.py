"""Layers that round in training: fake quantisation with straight-through gradients.

Weights are rounded per output channel. A batch normalisation behind the layer multiplies a channel
by one factor, which stretches the grid of that channel alike, so the codes stay what they are when
it is folded after training.

References
----------
.. [1] Jacob et al., CVPR 2018, arXiv:1712.05877, section 3.
.. [2] Bengio et al., arXiv:1308.3432 (straight-through estimator).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from emostudio.compression.calibration import Ranges
from emostudio.compression.coding.int8 import largest_code
from emostudio.compression.surgery import replace_layer

_MOMENTUM = 0.01
_LEVELS = 255


class StraightThrough(torch.autograd.Function):
    """Rounds to the grid of codes; the gradient is 1 inside the range and 0 outside."""

    @staticmethod
    def forward(
        ctx: Any,
        values: torch.Tensor,
        scale: torch.Tensor,
        zero_point: torch.Tensor,
        low: int,
        high: int,
    ) -> torch.Tensor:
        """Return values on the grid, of the same shape."""
        codes = torch.round(values / scale) + zero_point
        ctx.save_for_backward((codes >= low) & (codes <= high))
        return (torch.clamp(codes, low, high) - zero_point) * scale

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Pass the gradient on inside the range."""
        (inside,) = ctx.saved_tensors
        return gradients[0] * inside, None, None, None, None


class _Rounding(nn.Module):
    """What both kinds of layer share; buffers have shape () and stay in checkpoints."""

    weight: Any  # from the convolution or linear layer that is the other base
    bias: Any
    low: torch.Tensor
    high: torch.Tensor
    is_frozen: torch.Tensor
    most: int

    def prepare(self, layer: Any, bit_width: int, bounds: tuple[float, float]) -> None:
        """Take over the parameters of `layer` and the calibrated bounds of its input."""
        self.weight, self.bias, self.most = layer.weight, layer.bias, largest_code(bit_width)
        self.register_buffer("low", torch.tensor(bounds[0]))
        self.register_buffer("high", torch.tensor(bounds[1]))
        self.register_buffer("is_frozen", torch.tensor(False))  # noqa: FBT003 - a value

    def rounded_input(self, features: torch.Tensor) -> torch.Tensor:
        """Return the input on its grid, after following its range in training."""
        if self.training and not bool(self.is_frozen):
            with torch.no_grad():
                self.low += _MOMENTUM * (features.min() - self.low)
                self.high += _MOMENTUM * (features.max() - self.high)
        low, high = self.low.clamp(max=0), self.high.clamp(min=0)
        scale = ((high - low) / _LEVELS).clamp(min=1e-12)
        zero_point = torch.round(-low / scale).clamp(0, _LEVELS)
        return straight_through(features, scale, zero_point, 0, _LEVELS)

    def rounded_weight(self) -> torch.Tensor:
        """Return the weights on the grids of their channels."""
        largest = self.weight.detach().flatten(1).abs().amax(dim=1).clamp(min=1e-12)
        scale = (largest / self.most).view(-1, *[1] * (self.weight.ndim - 1))
        return straight_through(self.weight, scale, torch.zeros_like(scale), -self.most, self.most)


def straight_through(
    values: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor, low: int, high: int
) -> torch.Tensor:
    """Return values on a grid with the gradient of `StraightThrough`."""
    apply: Any = StraightThrough.apply  # untyped in torch
    rounded: torch.Tensor = apply(values, scale, zero_point, low, high)
    return rounded


class RoundingConv2d(_Rounding, nn.Conv2d):
    """Convolution that rounds its input and weights."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the convolution of rounded values, (N, C, H, W)."""
        result: torch.Tensor = self._conv_forward(
            self.rounded_input(features), self.rounded_weight(), self.bias
        )
        return result


class RoundingLinear(_Rounding, nn.Linear):
    """Linear layer that rounds its input and weights."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the product of rounded values, (N, C)."""
        return functional.linear(self.rounded_input(features), self.rounded_weight(), self.bias)


class FreezableBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose statistics can be fixed in the middle of a training."""

    is_frozen: torch.Tensor

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """Return normalised features, by fixed statistics once frozen."""
        if not bool(self.is_frozen):
            return super().forward(input)
        return functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def prepare(module: nn.Module, names: tuple[str, ...], ranges: Ranges, bit_width: int) -> None:
    """Exchange layers for rounding ones and make batch normalisations freezable, in place."""
    for name in names:
        layer = module.get_submodule(name)
        new = _like(layer)
        new.prepare(layer, bit_width, ranges[name, "input"])
        replace_layer(module, name, new.train(layer.training))
    for layer in module.modules():
        if type(layer) is nn.BatchNorm2d:
            layer.__class__ = FreezableBatchNorm2d
            layer.register_buffer("is_frozen", torch.tensor(False))  # noqa: FBT003 - a value


def restore(module: nn.Module, names: tuple[str, ...]) -> Ranges:
    """Put plain layers back in place; returns the ranges of inputs that training found."""
    ranges: Ranges = {}
    for name in names:
        layer: Any = module.get_submodule(name)
        ranges[name, "input"] = (float(layer.low), float(layer.high))
        plain: Any = _plain(layer)
        plain.weight, plain.bias = layer.weight, layer.bias
        replace_layer(module, name, plain.train(layer.training))
    for layer in module.modules():
        if isinstance(layer, FreezableBatchNorm2d):
            del layer.is_frozen
            any_layer: Any = layer
            any_layer.__class__ = nn.BatchNorm2d
    return ranges


def freezing(
    module: nn.Module, observers_after: float, statistics_after: float
) -> Callable[[int, int, torch.optim.Optimizer], None]:
    """Return what to call after each step: freezes ranges, later batch statistics."""

    def after_step(step: int, total: int, optimiser: torch.optim.Optimizer) -> None:
        del optimiser
        for layer in module.modules():
            if isinstance(layer, _Rounding) and step >= observers_after * total:
                layer.is_frozen.fill_(1)
            if isinstance(layer, FreezableBatchNorm2d) and step >= statistics_after * total:
                layer.is_frozen.fill_(1)

    return after_step


def _like(layer: nn.Module) -> Any:
    if isinstance(layer, nn.Conv2d):
        return _conv(RoundingConv2d, layer)
    if isinstance(layer, nn.Linear):
        return RoundingLinear(layer.in_features, layer.out_features, bias=layer.bias is not None)
    raise TypeError(f"{type(layer).__name__} cannot round")


def _plain(layer: nn.Module) -> Any:
    if isinstance(layer, nn.Conv2d):
        return _conv(nn.Conv2d, layer)
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
    raise TypeError(f"{type(layer).__name__} does not round")


def _conv(kind: Any, layer: nn.Conv2d) -> Any:
    return kind(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
        layer.bias is not None,
    )
