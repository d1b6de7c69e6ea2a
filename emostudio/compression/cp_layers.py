"""The thin convolutions that stand for one after a CP decomposition: four, or three."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import nn

from emostudio.compression.cp_als import Factors
from emostudio.compression.factor_layers import filled, kernel_shape, part
from emostudio.compression.surgery import kernel_size

Scheme = Literal["four", "three"]


class FourConvolutions(nn.Sequential):
    """The four convolutions of a term-wise kernel, which exported graphs run as three."""

    def exported(self) -> nn.Module:
        """Return the same function with the two depthwise vectors merged into one window.

        Returns
        -------
        Itself where another method has changed one of the layers since.
        """
        rows, columns = self.get_submodule("rows"), self.get_submodule("columns")
        plain = (nn.Conv2d, nn.BatchNorm2d)  # not subclasses, which compute something else
        if not all(type(layer) in plain for layer in self.children()):
            return self
        merged: OrderedDict[str, nn.Module] = OrderedDict()
        for name, layer in self.named_children():
            if layer is rows:
                merged["taps"] = _merged(rows, columns)
            elif layer is not columns:
                merged[name] = layer
        return nn.Sequential(merged)


def _merged(rows: nn.Module, columns: nn.Module) -> nn.Conv2d:
    """Return one depthwise convolution whose windows are the products of two vectors."""
    if not isinstance(rows, nn.Conv2d) or not isinstance(columns, nn.Conv2d):
        raise TypeError("Only convolutions can be merged")
    geometry = [
        (getattr(rows, name)[0], getattr(columns, name)[1])
        for name in ("stride", "padding", "dilation")
    ]
    sides, rank = (kernel_size(rows)[0], kernel_size(columns)[1]), rows.out_channels
    stride, padding, dilation = geometry
    taps = nn.Conv2d(rank, rank, sides, stride, padding, dilation, groups=rank, bias=False)
    taps.weight = nn.Parameter((rows.weight * columns.weight).detach())
    return taps


def modes(layer: nn.Conv2d, scheme: Scheme) -> tuple[int, int, int, int]:
    """Return the sides of the tensor that is decomposed; three modes have a fourth of one."""
    c_out, c_in, height, width = kernel_shape(layer)
    return (c_out, c_in, height, width) if scheme == "four" else (c_out, c_in, height * width, 1)


def weights_per_rank(layer: nn.Conv2d, scheme: Scheme) -> int:
    """Return the weights of one term: S + kh + kw + T, or S + kh * kw + T."""
    c_out, c_in, height, width = modes(layer, scheme)
    return c_out + c_in + height + (width if scheme == "four" else 0)


def break_even_rank(layer: nn.Conv2d, scheme: Scheme) -> int:
    """Return the largest rank whose factors are not larger than the kernel."""
    return layer.weight.numel() // weights_per_rank(layer, scheme)


def budget_rank(layer: nn.Conv2d, scheme: Scheme, budget: float) -> int:
    """Return the largest rank whose factors have at most the share `budget` of the weights."""
    return int(budget * layer.weight.numel() / weights_per_rank(layer, scheme))


def factor_layers(layer: nn.Conv2d, rank: int, scheme: Scheme = "four") -> nn.Sequential:
    """Return the convolutions, without values, with the geometry of `layer`.

    Parameters
    ----------
    layer
        The convolution they stand for.
    rank
        Channels between them.
    scheme
        ``four``: 1x1, kH x 1, 1 x kW and 1x1; ``three``: 1x1, kH x kW and 1x1. The middle ones
        work on each channel alone.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["reduce"] = part(layer, layer.in_channels, rank)
    if scheme == "four":
        layers["rows"] = part(layer, rank, rank, rows=True, groups=rank)
        layers["columns"] = part(layer, rank, rank, columns=True, groups=rank)
    else:
        layers["taps"] = part(layer, rank, rank, rows=True, columns=True, groups=rank)
    layers["expand"] = part(layer, rank, layer.out_channels, bias=layer.bias is not None)
    return nn.Sequential(layers) if scheme == "three" else FourConvolutions(layers)


def filled_layers(layer: nn.Conv2d, factors: Factors, scheme: Scheme = "four") -> nn.Sequential:
    """Return the convolutions with the factors of a kernel of `modes` as their weights."""
    if scheme == "three":
        return _filled_three(layer, factors)
    weights = {
        "reduce": factors.in_factor.T[:, :, None, None],
        "rows": factors.row_factor.T[:, None, :, None],
        "columns": factors.column_factor.T[:, None, None, :],
        "expand": factors.out_factor[:, :, None, None],
    }
    return filled(factor_layers(layer, factors.rank), layer, weights)


def _filled_three(layer: nn.Conv2d, factors: Factors) -> nn.Sequential:
    # the fourth mode has one side only: its numbers belong to the taps
    taps = factors.row_factor * factors.column_factor
    out_factor, in_factor, taps = _evened(factors.out_factor, factors.in_factor, taps)
    rank, (height, width) = factors.rank, layer.kernel_size
    weights = {
        "reduce": in_factor.T[:, :, None, None],
        "taps": taps.T.reshape(rank, 1, height, width),
        "expand": out_factor[:, :, None, None],
    }
    return filled(factor_layers(layer, rank, "three"), layer, weights)


def _evened(*factors: torch.Tensor) -> list[torch.Tensor]:
    """Return the factors with the norm of each term spread evenly over them."""
    norms = [factor.norm(dim=0).clamp_min(1e-300) for factor in factors]
    target = torch.stack(norms).log().mean(dim=0).exp()
    return [factor * (target / norm) for factor, norm in zip(factors, norms, strict=True)]
