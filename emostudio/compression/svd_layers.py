"""Two thin layers for one: a matrix layer by plain SVD, a k x k convolution as k x 1 and 1 x k.

A kernel W[t, s, y, x] is the matrix M[(t, x), (s, y)], so one factorisation M ~ L R serves fully
connected layers, 1x1 convolutions and the spatial scheme alike.

References
----------
.. [1] Jaderberg et al., "Speeding up convolutional neural networks with low rank expansions",
   BMVC 2014, arXiv:1405.3866 (scheme 2, horizontal and vertical filters).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from emostudio.compression.factor_layers import filled, kernel_shape, part
from emostudio.compression.subspaces import two_factors
from emostudio.compression.surgery import kernel_size


def is_matrix(layer: nn.Module) -> bool:
    """Whether the weights are a plain matrix: a fully connected layer or a 1x1 convolution."""
    if isinstance(layer, nn.Conv2d):
        return kernel_size(layer) == (1, 1)
    return isinstance(layer, nn.Linear)


def matrix_shape(layer: nn.Conv2d | nn.Linear) -> tuple[int, int]:
    """Return (rows, columns) of the layer's matrix."""
    if isinstance(layer, nn.Linear):
        return (layer.out_features, layer.in_features)
    c_out, c_in, height, width = kernel_shape(layer)
    return (c_out * width, c_in * height)


def weight_matrix(layer: nn.Conv2d | nn.Linear) -> torch.Tensor:
    """Return the layer's weights as a matrix of `matrix_shape`."""
    weight = layer.weight.detach()
    if isinstance(layer, nn.Conv2d):
        weight = weight.permute(0, 3, 1, 2).reshape(matrix_shape(layer))
    return weight


def break_even_rank(layer: nn.Conv2d | nn.Linear) -> int:
    """Return the smallest rank whose factors have no fewer weights than the layer."""
    rows, columns = matrix_shape(layer)
    return -(-rows * columns // (rows + columns))


def budget_rank(layer: nn.Conv2d | nn.Linear, budget: float) -> int:
    """Return the largest rank whose factors have at most the share `budget` of the weights."""
    rows, columns = matrix_shape(layer)
    return int(budget * rows * columns / (rows + columns))


def why_rank_refused(layer: nn.Conv2d | nn.Linear, rank: int) -> str:
    """Return why `rank` is no use for the layer, or nothing."""
    if rank < 1:
        return "the budget leaves no rank"
    limit = break_even_rank(layer)
    return f"rank {rank} >= break-even rank {limit}" if rank >= limit else ""


def factor_layers(layer: nn.Conv2d | nn.Linear, rank: int) -> nn.Sequential:
    """Return `reduce` and `expand`, without values, with the geometry of `layer`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        layers["reduce"] = nn.Linear(layer.in_features, rank, bias=False)
        layers["expand"] = nn.Linear(rank, layer.out_features, bias=bias)
    else:
        layers["reduce"] = part(layer, layer.in_channels, rank, rows=True)
        layers["expand"] = part(layer, rank, layer.out_channels, columns=True, bias=bias)
    return nn.Sequential(layers)


def filled_layers(
    layer: nn.Conv2d | nn.Linear, left: torch.Tensor, right: torch.Tensor
) -> nn.Sequential:
    """Return the two layers with `left` (rows, R) and `right` (R, columns) as their weights."""
    rank = right.shape[0]
    layers = factor_layers(layer, rank)
    if isinstance(layer, nn.Linear):
        return filled(layers, layer, {"reduce": right, "expand": left})
    c_out, c_in, height, width = kernel_shape(layer)
    expand = left.reshape(c_out, width, rank).permute(0, 2, 1)[:, :, None, :]
    reduce = right.reshape(rank, c_in, height, 1)
    return filled(layers, layer, {"reduce": reduce, "expand": expand})


def split(layer: nn.Conv2d | nn.Linear, rank: int) -> tuple[nn.Sequential, float]:
    """Return the two layers of the best factors of `rank`, and the share of the energy they keep.

    The energy of a matrix is the sum of its squares.
    """
    matrix = weight_matrix(layer)
    left, right = two_factors(matrix, rank)
    # the terms are orthogonal to each other
    kept = (left.norm(dim=0) * right.norm(dim=1)).pow(2).sum()
    whole = matrix.double().pow(2).sum().clamp_min(1e-300)
    return filled_layers(layer, left, right), float(kept / whole)
