"""The layers a converted ONNX network is made of, each from one entry of its description.

A description may come from a file of unknown origin, so every number is checked before a layer is
made from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emostudio.core.errors import InputError

_CHANNEL_LIMIT = 65_536
_WINDOW_LIMIT = 512
_RANK_LIMIT = 6

Shape = tuple[int, ...]
"""Shape of a tensor without the batch."""


class Clip(nn.Module):
    """Values held between two bounds, either of which may be missing."""

    def __init__(self, low: float | None, high: float | None) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, values: Tensor) -> Tensor:
        """Return bounded values of the same shape."""
        return torch.clamp(values, self.low, self.high)


class HardSigmoid(nn.Module):
    """``max(0, min(1, alpha x + beta))``."""

    def __init__(self, alpha: float, beta: float) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, values: Tensor) -> Tensor:
        """Return values in [0, 1] of the same shape."""
        return torch.clamp(values * self.alpha + self.beta, 0.0, 1.0)


class Affine(nn.Module):
    """``x scale + shift`` with constants, such as the normalisation of pixels inside a network."""

    scale: Tensor | None
    shift: Tensor | None

    def __init__(self, scale: Shape | None, shift: Shape | None) -> None:
        super().__init__()
        self.register_buffer("scale", None if scale is None else torch.ones(scale))
        self.register_buffer("shift", None if shift is None else torch.zeros(shift))

    def forward(self, values: Tensor) -> Tensor:
        """Return scaled and shifted values of the same shape."""
        if self.scale is not None:
            values = values * self.scale
        if self.shift is not None:
            values = values + self.shift
        return values


class Reshape(nn.Module):
    """Another shape for the same values; the batch is kept."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, values: Tensor) -> Tensor:
        """Return (N, *shape)."""
        return torch.reshape(values, (-1, *self.shape))


class Permute(nn.Module):
    """Another order of the axes; the batch stays first."""

    def __init__(self, axes: Shape) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, values: Tensor) -> Tensor:
        """Return the values with axis i taken from axis ``axes[i]``."""
        return torch.permute(values, self.axes)


class UnevenAvgPool2d(nn.Module):
    """Mean over the pixels in each window that are not padding; pads may differ by side.

    Parameters
    ----------
    pads
        (left, right, top, bottom).
    """

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int], pads: Shape) -> None:
        super().__init__()
        self.kernel, self.stride, self.pads = kernel, stride, pads

    def forward(self, features: Tensor) -> Tensor:
        """Return pooled features (N, C, H', W')."""
        inside = F.pad(torch.ones_like(features[:1, :1]), self.pads)
        sums = F.avg_pool2d(F.pad(features, self.pads), self.kernel, self.stride)
        return sums / F.avg_pool2d(inside, self.kernel, self.stride)


def whole(entry: Mapping[str, Any], key: str, low: int, high: int, default: int | None) -> int:
    """Return a whole number of a description.

    Raises
    ------
    InputError
        If it is missing, of another type or out of bounds.
    """
    value = entry.get(key, default)
    if type(value) is not int or not low <= value <= high:
        raise _bad(key, value)
    return value


def number(entry: Mapping[str, Any], key: str, default: float | None) -> float | None:
    """Return a finite number of a description, or None.

    Raises
    ------
    InputError
        If it is of another type or not finite.
    """
    value = entry.get(key, default)
    if value is None:
        return None
    if type(value) not in {int, float} or not math.isfinite(value) or abs(value) > 3e38:
        raise _bad(key, value)
    return float(value)


def sizes(
    entry: Mapping[str, Any], key: str, count: int | None, low: int, default: Sequence[int] | None
) -> Shape:
    """Return a list of whole numbers of a description; `count` of them unless it is None.

    Raises
    ------
    InputError
        If it is missing, too long or out of bounds.
    """
    value = entry.get(key, default)
    fits = isinstance(value, list | tuple) and (
        len(value) <= _RANK_LIMIT if count is None else len(value) == count
    )
    if not fits or any(type(one) is not int or not low <= one <= 2**24 for one in value):
        raise _bad(key, value)
    return tuple(value)


def _bad(key: str, value: object) -> InputError:
    return InputError(
        "The description of the network's layers is damaged", why=f"{key} is {str(value)[:60]}"
    )


def _pair(entry: Mapping[str, Any], key: str, low: int, default: int | None) -> tuple[int, int]:
    fallback = None if default is None else (default, default)
    first, second = sizes(entry, key, 2, low, fallback)
    if max(first, second) > _WINDOW_LIMIT:
        raise _bad(key, (first, second))
    return first, second


def _real(entry: Mapping[str, Any], key: str, default: float) -> float:
    value = number(entry, key, default)
    return default if value is None else value


def _channels(shape: Shape) -> int:
    if not shape or shape[0] > _CHANNEL_LIMIT:
        raise _bad("channels", shape)
    return shape[0]


def _conv(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    channels = _channels(shape)
    groups = whole(entry, "groups", 1, _CHANNEL_LIMIT, 1)
    out_channels = whole(entry, "out", 1, _CHANNEL_LIMIT, None)
    if channels % groups or out_channels % groups:
        raise _bad("groups", groups)
    return nn.Conv2d(
        channels,
        out_channels,
        _pair(entry, "kernel", 1, None),
        _pair(entry, "stride", 1, 1),
        _pair(entry, "padding", 0, 0),
        _pair(entry, "dilation", 1, 1),
        groups,
        bias=bool(entry.get("bias", False)),
    )


def _linear(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    if len(shape) != 1:
        raise _bad("linear", shape)
    out_features = whole(entry, "out", 1, _CHANNEL_LIMIT, None)
    return nn.Linear(shape[0], out_features, bias=bool(entry.get("bias", False)))


def _batch_norm(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    eps = _real(entry, "eps", 1e-5)
    if eps < 0:
        raise _bad("eps", eps)
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    return kind(_channels(shape), eps=eps)


def _lrn(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    size = whole(entry, "size", 1, _WINDOW_LIMIT, None)
    alpha, beta = _real(entry, "alpha", 1e-4), _real(entry, "beta", 0.75)
    return nn.LocalResponseNorm(size, alpha, beta, _real(entry, "k", 1.0))


def _max_pool(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    return nn.MaxPool2d(
        _pair(entry, "kernel", 1, None),
        _pair(entry, "stride", 1, 1),
        _pair(entry, "padding", 0, 0),
        _pair(entry, "dilation", 1, 1),
        ceil_mode=bool(entry.get("ceil", False)),
    )


def _avg_pool(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    kernel, stride = _pair(entry, "kernel", 1, None), _pair(entry, "stride", 1, 1)
    if "pads" in entry:
        return UnevenAvgPool2d(kernel, stride, sizes(entry, "pads", 4, 0, None))
    return nn.AvgPool2d(
        kernel,
        stride,
        _pair(entry, "padding", 0, 0),
        ceil_mode=bool(entry.get("ceil", False)),
        count_include_pad=bool(entry.get("count_padding", False)),
    )


def _pad(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    left, right, top, bottom = sizes(entry, "pads", 4, 0, None)
    pads = (left, right, top, bottom)
    if max(pads) > _WINDOW_LIMIT:
        raise _bad("pads", pads)
    if entry.get("lowest"):  # padding that never is a window's maximum
        return nn.ConstantPad2d(pads, -math.inf)
    value = _real(entry, "value", 0.0)
    return nn.ConstantPad2d(pads, value) if value else nn.ZeroPad2d(pads)


def _affine(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    given = [sizes(entry, key, None, 1, ()) if key in entry else None for key in ("scale", "shift")]
    for one in given:
        if one is not None and math.prod(one) > max(math.prod(shape), 1):
            raise _bad("scale or shift", one)
    return Affine(*given)


def _prelu(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    return nn.PReLU(whole(entry, "count", 1, _CHANNEL_LIMIT, 1))


def _permute(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    axes = sizes(entry, "axes", len(shape) + 1, 0, None)
    if axes[0] != 0 or sorted(axes) != list(range(len(axes))):
        raise _bad("axes", axes)
    return Permute(axes)


def _hard_sigmoid(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    return HardSigmoid(_real(entry, "alpha", 0.2), _real(entry, "beta", 0.5))


def _dropout(entry: Mapping[str, Any], shape: Shape) -> nn.Module:
    rate = _real(entry, "rate", 0.5)
    if not 0 <= rate < 1:
        raise _bad("rate", rate)
    return nn.Dropout(rate)


Maker = Callable[[Mapping[str, Any], Shape], nn.Module]

LAYERS: dict[str, Maker] = {
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "lrn": _lrn,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": lambda entry, shape: nn.AdaptiveAvgPool2d(1),
    "global_max_pool": lambda entry, shape: nn.AdaptiveMaxPool2d(1),
    "pad": _pad,
    "affine": _affine,
    "relu": lambda entry, shape: nn.ReLU(),
    "leaky_relu": lambda entry, shape: nn.LeakyReLU(_real(entry, "slope", 0.01)),
    "prelu": _prelu,
    "elu": lambda entry, shape: nn.ELU(_real(entry, "alpha", 1.0)),
    "clip": lambda entry, shape: Clip(number(entry, "low", None), number(entry, "high", None)),
    "sigmoid": lambda entry, shape: nn.Sigmoid(),
    "tanh": lambda entry, shape: nn.Tanh(),
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": lambda entry, shape: nn.Hardswish(),
    "dropout": _dropout,
    "softmax": lambda entry, shape: nn.Softmax(whole(entry, "axis", 1, _RANK_LIMIT, 1)),
    "flatten": lambda entry, shape: nn.Flatten(),
    "reshape": lambda entry, shape: Reshape(sizes(entry, "shape", None, 1, None)),
    "permute": _permute,
    "identity": lambda entry, shape: nn.Identity(),
}
"""Makers of layers with one input, from their description and the input's shape."""
