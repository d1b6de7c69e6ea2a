"""The three convolutions that stand for one after a Tucker-2 decomposition."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from emostudio.compression.factor_layers import filled, part
from emostudio.compression.tucker_hooi import Tucker


def factor_layers(layer: nn.Conv2d, out_rank: int, in_rank: int) -> nn.Sequential:
    """Return a 1x1, a kH x kW and a 1x1 convolution with the geometry of `layer`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["reduce"] = part(layer, layer.in_channels, in_rank)
    layers["core"] = part(layer, in_rank, out_rank, rows=True, columns=True)
    layers["expand"] = part(layer, out_rank, layer.out_channels, bias=layer.bias is not None)
    return nn.Sequential(layers)


def filled_layers(layer: nn.Conv2d, parts: Tucker) -> nn.Sequential:
    """Return the three convolutions with core and factors as their weights."""
    weights = {
        "reduce": parts.in_factor.T[:, :, None, None],
        "core": parts.core,
        "expand": parts.out_factor[:, :, None, None],
    }
    return filled(factor_layers(layer, *parts.core.shape[:2]), layer, weights)
