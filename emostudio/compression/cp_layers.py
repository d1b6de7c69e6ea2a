"""The four thin convolutions that stand for one after a CP decomposition."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from emostudio.compression.cp_als import Factors
from emostudio.compression.surgery import kernel_size, layer_at


def kernel_shape(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """Return (C_out, C_in, kH, kW)."""
    return (layer.out_channels, layer.in_channels, *kernel_size(layer))


def factor_layers(layer: nn.Conv2d, rank: int) -> nn.Sequential:
    """Return 1x1, kH x 1, 1 x kW and 1x1 convolutions with the geometry of `layer`."""
    (height, width), stride = kernel_size(layer), layer.stride
    padding, dilation = [int(side) for side in layer.padding], layer.dilation
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["reduce"] = nn.Conv2d(layer.in_channels, rank, 1, bias=False)
    layers["rows"] = nn.Conv2d(
        rank, rank, (height, 1), stride=(stride[0], 1), padding=(padding[0], 0),
        dilation=(dilation[0], 1), groups=rank, bias=False,
    )  # fmt: skip
    layers["columns"] = nn.Conv2d(
        rank, rank, (1, width), stride=(1, stride[1]), padding=(0, padding[1]),
        dilation=(1, dilation[1]), groups=rank, bias=False,
    )  # fmt: skip
    layers["expand"] = nn.Conv2d(rank, layer.out_channels, 1, bias=layer.bias is not None)
    return nn.Sequential(layers)


def filled_layers(layer: nn.Conv2d, factors: Factors) -> nn.Sequential:
    """Return the four convolutions with the factors as their weights."""
    rank = factors.out_factor.shape[1]
    layers = factor_layers(layer, rank).to(layer.weight.device)
    weights = {
        "reduce": factors.in_factor.T[:, :, None, None],
        "rows": factors.row_factor.T[:, None, :, None],
        "columns": factors.column_factor.T[:, None, None, :],
        "expand": factors.out_factor[:, :, None, None],
    }
    with torch.no_grad():
        for name, weight in weights.items():
            _conv(layers, name).weight.copy_(weight)
        bias = _conv(layers, "expand").bias
        if bias is not None and layer.bias is not None:
            bias.copy_(layer.bias)
    return layers.train(layer.training)


def _conv(layers: nn.Sequential, name: str) -> nn.Conv2d:
    layer = layer_at(layers, name)
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"{name} is no convolution")
    return layer
