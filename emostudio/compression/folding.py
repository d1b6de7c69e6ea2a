"""Folding batch normalisation into the convolution or linear layer right before it.

In evaluation mode a batch normalisation is one factor and one offset per channel, which the layer
before it can take over exactly. It must be folded only after the last training stage: training
after it would have no statistics to follow. Nothing is folded across a pool, a concatenation or
a shortcut.
"""

from __future__ import annotations

import torch
from torch import nn

from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import replace_layer

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d


def foldable(module: nn.Module) -> dict[str, str]:
    """Return the path of each convolution or linear layer to that of the BatchNorm behind it.

    Raises
    ------
    InputError
        If the network cannot be traced.
    """
    graph, layers = LayerGraph(module), dict(module.named_modules())
    found: dict[str, str] = {}
    for name in graph.order():
        if not isinstance(layers.get(name), nn.Conv2d | nn.Linear):
            continue
        behind = graph.after(name)
        if len(behind) != 1 or graph.before(behind[0]) != (name,):
            continue
        norm = layers.get(behind[0])
        if isinstance(norm, BatchNorm) and norm.running_mean is not None:
            found[name] = behind[0]
    return found


def folded(
    weight: torch.Tensor, bias: torch.Tensor | None, norm: BatchNorm
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias that give what layer and normalisation gave together.

    Computed as W' = W g / sqrt(v + eps) and b' = (b - mu) g / sqrt(v + eps) + beta in float64.

    Parameters
    ----------
    weight
        Shape (C_out, ...).
    bias
        Shape (C_out,); None counts as zeros.
    norm
        With running statistics; its affine part may be missing.

    Returns
    -------
    Weight and bias of the type of `weight`.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("A batch normalisation without running statistics cannot be folded")
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    gain = torch.ones_like(mean) if norm.weight is None else norm.weight.detach().double()
    offset = torch.zeros_like(mean) if norm.bias is None else norm.bias.detach().double()
    factor = gain / torch.sqrt(variance + norm.eps)
    start = torch.zeros_like(mean) if bias is None else bias.detach().double()
    scaled = weight.detach().double() * factor.view(-1, *[1] * (weight.ndim - 1))
    return scaled.to(weight.dtype), ((start - mean) * factor + offset).to(weight.dtype)


def fold(module: nn.Module, pairs: dict[str, str]) -> None:
    """Fold the pairs of `foldable` in place; each BatchNorm becomes an Identity."""
    for name, norm_name in pairs.items():
        layer, norm = module.get_submodule(name), module.get_submodule(norm_name)
        if not isinstance(layer, nn.Conv2d | nn.Linear) or not isinstance(norm, BatchNorm):
            raise TypeError(f"{name} and {norm_name} cannot be folded")
        weight, bias = folded(layer.weight, layer.bias, norm)
        layer.weight = nn.Parameter(weight)
        layer.bias = nn.Parameter(bias)
        replace_layer(module, norm_name, nn.Identity())
