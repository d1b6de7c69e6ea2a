"""Layers on signs that follow each other: signs are handed on, and no number is computed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import fx, nn

from emostudio.inference.packed.rewriting import SCALES, Lowering, pool_geometry
from emostudio.inference.packed.sign_layer import SignLayer
from emostudio.inference.packed.sign_lowering import with_limits
from emostudio.inference.packed.step import Step
from emostudio.inference.packed.tracing import module_of

_RISING = (nn.ReLU, nn.LeakyReLU)


@dataclass
class _Between:
    """What stands between two layers on signs, from the first to the second."""

    nodes: list[fx.Node] = field(default_factory=list)
    layers: list[nn.Module] = field(default_factory=list)
    pool: nn.MaxPool2d | None = None


def with_fused_signs(lowering: Lowering, steps: dict[fx.Node, Step]) -> set[fx.Node]:
    """Let layers hand on signs where what follows allows it; changes `steps`.

    Returns
    -------
    The nodes that no longer run.
    """
    dropped: set[fx.Node] = set()
    for node in list(steps):
        second = steps[node]
        if not isinstance(second, SignLayer) or not _takes_signs(second):
            continue
        first_node, between = _before(lowering, node)
        first = steps.get(first_node) if first_node is not None else None
        if first_node is None or not isinstance(first, SignLayer) or not _may_fuse(first, between):
            continue
        name = f"{node.name}_signs"
        steps[first_node] = with_limits(
            first, _behind(between, second), _square_pool(between), second.window.size, name
        )
        steps[node] = dataclasses.replace(second, inputs=(name,))
        for gone in between.nodes:
            steps.pop(gone, None)
        dropped.update(between.nodes)
    return dropped


def _takes_signs(layer: SignLayer) -> bool:
    """Whether only the signs of the input matter, and they lie as another layer writes them."""
    needs_numbers = layer.finish.input_scaling or layer.finish.shortcut
    return not needs_numbers and len(layer.weights) == 1 and layer.limits is None


def _before(lowering: Lowering, node: fx.Node) -> tuple[fx.Node | None, _Between]:
    """Walk back over what can be folded; return where that ends."""
    between = _Between()
    place = node.all_input_nodes[0]
    while len(place.users) == 1:
        layer = module_of(lowering.graph, place)
        if isinstance(layer, nn.MaxPool2d) and between.pool is None:
            between.pool = layer
        elif isinstance(layer, SCALES):
            # behind the pooling anything may stand, before it only what keeps the order
            if between.pool is not None and not isinstance(layer, _RISING):
                return None, between
            between.layers.insert(0, layer)
        else:
            return place, between
        between.nodes.append(place)
        place = place.all_input_nodes[0]
    return None, between


def _may_fuse(first: SignLayer, between: _Between) -> bool:
    finish = first.finish
    if finish.input_scaling or finish.shortcut or bool((finish.slope < 0).any()):
        return False
    for layer in between.layers:
        if isinstance(layer, nn.PReLU) and bool((layer.weight < 0).any()):
            return False
    if between.pool is None:
        return True
    geometry = pool_geometry(between.pool)
    square = all(down == right for down, right in geometry)
    return square and between.pool.dilation in (1, (1, 1)) and bool((finish.scale >= 0).all())


def _square_pool(between: _Between) -> tuple[int, int, int]:
    if between.pool is None:
        return 1, 1, 0
    kernel, stride, padding = (down for down, _ in pool_geometry(between.pool))
    return kernel, stride, padding


def _behind(between: _Between, second: SignLayer) -> Callable[[torch.Tensor], torch.Tensor]:
    layers = nn.Sequential(*between.layers)
    scale = torch.from_numpy(np.array(second.input_scale)).view(1, -1, 1, 1)
    shift = torch.from_numpy(np.array(second.input_shift)).view(1, -1, 1, 1)

    def behind(values: torch.Tensor) -> torch.Tensor:
        passed: torch.Tensor = layers(values) * scale + shift
        return passed

    return behind
