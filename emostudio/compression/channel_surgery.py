"""Layers with fewer channels: made from a file's numbers, and cut out of layers with values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from emostudio.compression.channel_following import NORMS, is_depthwise, is_ordinary
from emostudio.compression.channels import ChannelGraph
from emostudio.compression.surgery import layer_at, replace_layer
from emostudio.core.errors import InputError

Counts = dict[str, int]


def counts_after(graph: ChannelGraph, name: str, alive: np.ndarray) -> Counts:
    """Return channels in and out of a layer if only those of `alive`, bool, are left."""
    found = graph.layers[name]
    return {
        "channels_in": int(alive[found.inputs].sum()),
        "channels_out": int(alive[found.outputs].sum()),
    }


def cut_layer(layer: nn.Module, arguments: Mapping[str, Any]) -> nn.Module:
    """Return a fresh layer like `layer` with fewer channels.

    Raises
    ------
    InputError
        If it is no layer of channels, or has not that many: the file is damaged or forged.
    """
    before = _sides(layer)
    if before is None:
        raise _damaged(f"{type(layer).__name__} has no channels that can be removed")
    wanted_in = _count(arguments, "channels_in", before[0])
    wanted_out = _count(arguments, "channels_out", before[1])
    if isinstance(layer, nn.Linear):
        return nn.Linear(wanted_in, wanted_out, bias=layer.bias is not None)
    passes_on = isinstance(layer, NORMS) or is_depthwise(layer)
    if passes_on and wanted_in != wanted_out:
        raise _damaged(f"{wanted_in} channels go in and {wanted_out} out of a layer without mixing")
    if isinstance(layer, nn.Conv2d):
        kind: Any = type(layer)
        convolution: nn.Conv2d = kind(
            wanted_in,
            wanted_out,
            layer.kernel_size,
            stride=layer.stride,
            padding=layer.padding,
            dilation=layer.dilation,
            groups=wanted_in if is_depthwise(layer) else 1,
            bias=layer.bias is not None,
            padding_mode=layer.padding_mode,
        )
        return convolution
    if not isinstance(layer, NORMS):
        raise _damaged(f"{type(layer).__name__} has no channels that can be removed")
    return type(layer)(
        wanted_out,
        eps=layer.eps,
        momentum=layer.momentum,
        affine=layer.affine,
        track_running_stats=layer.track_running_stats,
    )


def remove_channels(
    network: nn.Module, graph: ChannelGraph, before: np.ndarray, after: np.ndarray
) -> tuple[str, ...]:
    """Cut channels out of a network, in place.

    Parameters
    ----------
    network
        With the channels of `before`.
    graph
        Of the network as it was with all its channels.
    before, after
        Which channels are there and which stay, bool (count,).

    Returns
    -------
    Paths of the layers that were exchanged.
    """
    changed: list[str] = []
    for name, found in graph.layers.items():
        kept_in = _places(after, before, found.inputs)
        kept_out = _places(after, before, found.outputs)
        layer = layer_at(network, name)
        if _sides(layer) == (len(kept_in), len(kept_out)):
            continue
        with torch.device("meta"):
            thin = cut_layer(layer, counts_after(graph, name, after))
        value = _a_value(layer)
        thin = thin.to_empty(device=value.device).to(value.dtype).train(layer.training)
        _fill(thin, layer, kept_in, kept_out)
        replace_layer(network, name, thin)
        changed.append(name)
    return tuple(changed)


def _places(after: np.ndarray, before: np.ndarray, ids: np.ndarray) -> torch.Tensor:
    """Return which of the places that are there now stay."""
    return torch.from_numpy(np.flatnonzero(after[ids[before[ids]]]))


def _fill(thin: nn.Module, layer: nn.Module, kept_in: torch.Tensor, kept_out: torch.Tensor) -> None:
    cuts_inputs = isinstance(layer, nn.Conv2d | nn.Linear) and not is_depthwise(layer)
    source = layer.state_dict()
    with torch.no_grad():
        for name, tensor in thin.state_dict().items():
            value = source[name]
            if value.ndim:
                value = value.index_select(0, kept_out.to(value.device))
            if cuts_inputs and name == "weight":
                value = value.index_select(1, kept_in.to(value.device))
            tensor.copy_(value)


def _sides(layer: nn.Module) -> tuple[int, int] | None:
    if isinstance(layer, NORMS):
        return (layer.num_features, layer.num_features)
    if not is_ordinary(layer):
        return None
    if isinstance(layer, nn.Linear):
        return (layer.in_features, layer.out_features)
    if isinstance(layer, nn.Conv2d) and (layer.groups == 1 or is_depthwise(layer)):
        return (layer.in_channels, layer.out_channels)
    return None


def _a_value(layer: nn.Module) -> torch.Tensor:
    """Return a tensor that shows where and how the layer's values are kept."""
    return next(iter((*layer.parameters(), *layer.buffers())))


def _count(arguments: Mapping[str, Any], name: str, most: int) -> int:
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise _damaged(f"{name} is {value!r}, of {most}")
    return value


def _damaged(why: str) -> InputError:
    return InputError(
        "A layer with fewer channels cannot be rebuilt",
        why=why,
        next_step="Get a fresh copy of the file",
    )
