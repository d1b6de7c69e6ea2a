"""Which step runs a node of a network's graph, if any does."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from emostudio.inference.layer_spec import (
    SignLayerLike,
    affine_of,
    takes_binary_weights,
    takes_codes,
    why_not_packed,
)
from emostudio.inference.packed.sign_lowering import sign_layer
from emostudio.inference.packed.step import Step
from emostudio.inference.packed.steps import Add, Flatten, Join, MaxPool, ScaleChannels
from emostudio.inference.packed.tracing import Shape, module_of
from emostudio.inference.packed.weight_lowering import binary_weight_layer, codebook_layer

SCALES = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.PReLU)
"""Layers that treat every number by itself, in a way that depends on its channel at most."""


@dataclass(frozen=True)
class Lowering:
    """A network's graph, and the shape of each value without the batch."""

    graph: fx.GraphModule
    shapes: dict[str, Shape]

    def input_names(self, node: fx.Node) -> tuple[str, ...]:
        """Return the names of the values that a step in place of `node` reads."""
        return tuple(
            channels_last(other.name) if other.op == "placeholder" else other.name
            for other in node.all_input_nodes
        )

    def input_shape(self, node: fx.Node) -> Shape:
        """Return the shape of the first value that `node` reads."""
        return self.shapes[node.all_input_nodes[0].name]


def channels_last(source: str) -> str:
    """Return the name of the network's input once it is (N, H, W, C)."""
    return f"{source}_channels_last"


def layer_step(lowering: Lowering, node: fx.Node) -> Step | None:
    """Return the step of a layer that has kernels of its own, or None."""
    layer = module_of(lowering.graph, node)
    if layer is None or len(node.all_input_nodes) != 1:
        return None
    shape, inputs, outputs = lowering.input_shape(node), lowering.input_names(node), (node.name,)
    size = (shape[1], shape[2]) if len(shape) == 3 else (1, 1)
    if isinstance(layer, SignLayerLike):
        spec = layer.packed_spec()
        if spec is None or why_not_packed(spec):
            return None
        return sign_layer(spec, size, inputs, outputs)
    rank = 3 if isinstance(layer, nn.Conv2d) else 1
    if isinstance(layer, nn.Conv2d | nn.Linear) and len(shape) == rank:
        if takes_binary_weights(layer):
            return binary_weight_layer(layer, size, inputs, outputs)
        if isinstance(layer, nn.Linear) and takes_codes(layer):
            return codebook_layer(layer, inputs, outputs)
    return None


def plain_step(lowering: Lowering, node: fx.Node) -> Step | None:
    """Return the step of a node that stands between such layers, or None."""
    shape, inputs, outputs = lowering.input_shape(node), lowering.input_names(node), (node.name,)
    layer = module_of(lowering.graph, node)
    if isinstance(layer, nn.Flatten) and layer.start_dim == 1 and layer.end_dim == -1:
        return Flatten(inputs, outputs)
    if isinstance(layer, nn.MaxPool2d) and layer.dilation in (1, (1, 1)):
        places = lowering.shapes[node.name]
        return _max_pool(layer, inputs, outputs, (places[1], places[2]))
    if isinstance(layer, SCALES) and len(shape) in (1, 3):
        return _scaled(layer, shape[0], inputs, outputs)
    return _function_step(lowering, node)


def _function_step(lowering: Lowering, node: fx.Node) -> Step | None:
    inputs, outputs = lowering.input_names(node), (node.name,)
    shapes = {lowering.shapes.get(other.name) for other in node.all_input_nodes}
    if node.target in (torch.flatten,) and node.args[1:] == (1,):
        return Flatten(inputs, outputs)
    joins = node.target in (torch.cat, torch.concat)
    if joins and (node.kwargs.get("dim") == 1 or node.args[1:] == (1,)):
        return Join(inputs, outputs)
    adds = node.target in (operator.add, operator.iadd, torch.add)
    if adds and len(inputs) == 2 and len(shapes) == 1 and not node.kwargs:
        return Add(inputs, outputs)
    return None


def _max_pool(
    layer: nn.MaxPool2d, inputs: tuple[str, ...], outputs: tuple[str, ...], places: tuple[int, int]
) -> MaxPool:
    kernel, stride, padding = pool_geometry(layer)
    return MaxPool(inputs, outputs, kernel, stride, padding, places)


def pool_geometry(layer: nn.MaxPool2d) -> tuple[tuple[int, int], ...]:
    """Return kernel, stride and padding of a pooling, each (vertical, horizontal)."""
    return tuple(
        (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
        for value in (layer.kernel_size, layer.stride, layer.padding)
    )


def _scaled(
    layer: nn.Module, channels: int, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> ScaleChannels | None:
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        try:
            scale, shift = affine_of(layer)
        except TypeError:
            return None
        return ScaleChannels(inputs, outputs, scale.numpy(), shift.numpy(), ones, zeros)
    return ScaleChannels(inputs, outputs, ones, zeros, _slopes(layer, channels), zeros)


def _slopes(layer: nn.Module, channels: int) -> NDArray[np.float32]:
    if isinstance(layer, nn.PReLU):
        slopes = layer.weight.detach().float().expand(channels).numpy()
        return np.ascontiguousarray(slopes)
    slope = layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0
    return np.full(channels, slope, np.float32)
