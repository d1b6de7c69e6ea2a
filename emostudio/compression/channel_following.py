"""Following channels through a traced network, from the layer that makes them to those that read.

Every output channel of a convolution or linear layer gets a number. Channels that are added to
each other get one number between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import layer_at
from emostudio.core.errors import InputError, first_line

IS_OUTPUT = "its channels are the network's outputs"
PAIRED = "prune both halves of a C.ReLU pair"

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.Hardswish,
    nn.Identity,
)  # fmt: skip
_PASSING = (
    *ACTIVATIONS, nn.Dropout, nn.Dropout2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
)  # fmt: skip
_PASSING_FUNCTIONS = frozenset({
    "relu", "relu_", "relu6", "leaky_relu", "hardtanh", "sigmoid", "tanh", "silu", "hardswish",
    "dropout", "dropout2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d",
    "adaptive_max_pool2d", "contiguous",
})  # fmt: skip
_ADDING = frozenset({"add", "iadd", "add_"})
_RESHAPING = frozenset({"flatten", "view", "reshape"})
_ASKING = frozenset({"size", "getattr", "getitem", "dim"})
_SPATIAL = frozenset({2, 3, -1, -2})

Ids = np.ndarray


def is_ordinary(layer: nn.Module) -> bool:
    """Whether a layer is a plain convolution or linear layer, whose weight can be cut."""
    return type(layer) in {nn.Conv2d, nn.Linear} or is_paired(layer)


def is_paired(layer: nn.Module) -> bool:
    """Whether a convolution's channels are used twice, as a C.ReLU does."""
    return isinstance(layer, nn.Conv2d) and bool(getattr(layer, "paired_channels", False))


def is_depthwise(layer: nn.Module) -> bool:
    """Whether each channel of a convolution sees itself alone."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.groups > 1
        and layer.groups == layer.in_channels == layer.out_channels
    )


@dataclass(frozen=True)
class LayerChannels:
    """The numbers of the channels that a layer reads and gives.

    Attributes
    ----------
    inputs, outputs
        One number per place, int64; the same array where channels are passed on.
    positions
        Pixels of its output.
    """

    inputs: Ids
    outputs: Ids
    positions: int


class _Shapes(fx.Interpreter):
    """Runs a traced network once and keeps the shape of everything in it."""

    def __init__(self, graph: LayerGraph) -> None:
        super().__init__(graph.root, graph=graph.graph)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.shapes[n] = tuple(result.shape)
        return result


class ChannelFollower:
    """Gives numbers to channels and follows them from node to node.

    Parameters
    ----------
    graph
        A traced network in evaluation mode; layers without values will do.
    input_shape
        (C, H, W) of one input.

    Attributes
    ----------
    found
        Convolutions, linear layers and normalisations by path, in the order of the network.

    Raises
    ------
    InputError
        If the network cannot take such an input.
    """

    def __init__(self, graph: LayerGraph, input_shape: tuple[int, int, int]) -> None:
        self._root = graph.root
        value = next(graph.root.parameters(), torch.empty(0))
        interpreter = _Shapes(graph)
        try:
            with torch.no_grad():
                interpreter.run(value.new_zeros(1, *input_shape))
        except RuntimeError as error:
            raise InputError(
                "The network's channels cannot be followed",
                why=first_line(error),
                next_step="Check that the network takes its own input size",
            ) from error
        self._shapes = interpreter.shapes
        self._parents: list[int] = []
        self._fixed: list[tuple[Ids, str]] = []
        self._ids: dict[fx.Node, Ids] = {}
        self.found: dict[str, LayerChannels] = {}
        for node in graph.graph.nodes:
            self._visit(node)

    @property
    def count(self) -> int:
        """Numbers given so far."""
        return len(self._parents)

    def layer(self, name: str) -> nn.Module:
        """Return the layer at a path."""
        return layer_at(self._root, name)

    def roots(self, ids: Ids) -> Ids:
        """Return the one number that stands for each of some channels and all tied to it."""
        return np.array([self._find(int(number)) for number in ids], np.int64)

    def reasons(self) -> dict[int, str]:
        """Return why channels cannot be removed."""
        found: dict[int, str] = {}
        for ids, reason in self._fixed:
            for number in self.roots(ids).tolist():
                found.setdefault(number, reason)
        return found

    def _find(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def _tie(self, first: Ids, second: Ids) -> None:
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((self._find(one), self._find(other)))
            self._parents[high] = low

    def _fresh(self, channels: int, fixed: str = "") -> Ids:
        ids = np.arange(self.count, self.count + channels)
        self._parents.extend(ids.tolist())
        if fixed:
            self._fixed.append((ids, fixed))
        return ids

    def _visit(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            self._ids[node] = self._fresh(self._shapes[node][1], "they are the input")
        elif node.op == "output":
            self._fix(node.all_input_nodes, IS_OUTPUT)
        elif node.op == "call_module":
            self._module(node, str(node.target), self.layer(str(node.target)))
        elif node.op in {"call_function", "call_method"}:
            self._function(node)

    def _module(self, node: fx.Node, name: str, layer: nn.Module) -> None:
        feed = node.all_input_nodes[0] if len(node.all_input_nodes) == 1 else None
        if feed is None or feed not in self._ids:
            self._stop(node, f"{name} has several inputs")
        elif isinstance(layer, nn.Flatten):
            self._flatten(node, feed, name)
        elif type(layer) in _PASSING:
            self._ids[node] = self._ids[feed]
        elif type(layer) in NORMS or (type(layer) is nn.Conv2d and is_depthwise(layer)):
            self._ids[node] = self._ids[feed]
            self._note(node, name, self._ids[feed], self._ids[feed])
        elif is_ordinary(layer) and getattr(layer, "groups", 1) == 1:
            self._dense(node, name, layer, feed)
        elif isinstance(layer, nn.LocalResponseNorm):
            self._stop(node, f"{name} mixes neighbouring channels")
        elif isinstance(layer, nn.Conv2d) and layer.groups > 1:
            self._stop(node, f"{name} is a grouped convolution")
        else:
            self._stop(node, f"{name} ({type(layer).__name__}) is no layer that can be cut")

    def _dense(self, node: fx.Node, name: str, layer: nn.Module, feed: fx.Node) -> None:
        shape = self._shapes[node]
        if isinstance(layer, nn.Linear) and len(shape) != 2:
            self._stop(node, f"{name} works along another axis than the channels")
            return
        known = self.found.get(name)
        fixed = PAIRED if is_paired(layer) else ""
        outputs = self._fresh(shape[1], fixed) if known is None else known.outputs
        self._ids[node] = outputs
        self._note(node, name, self._ids[feed], outputs)

    def _note(self, node: fx.Node, name: str, inputs: Ids, outputs: Ids) -> None:
        positions = int(np.prod(self._shapes[node][2:], dtype=np.int64))
        known = self.found.get(name)
        if known is not None:  # the layer is used twice: both uses see the same channels
            self._tie(known.inputs, inputs)
            inputs, outputs, positions = known.inputs, known.outputs, known.positions + positions
        self.found[name] = LayerChannels(inputs, outputs, positions)

    def _function(self, node: fx.Node) -> None:
        target: Any = node.target
        name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
        feeds = [feed for feed in node.all_input_nodes if feed in self._ids]
        rules: tuple[tuple[Callable[[], bool], Callable[[], None]], ...] = (
            (lambda: name in _PASSING_FUNCTIONS and len(feeds) == 1, lambda: self._pass(node)),
            (lambda: name == "mean" and _is_spatial_mean(node), lambda: self._pass(node)),
            (lambda: name in _RESHAPING and bool(feeds), lambda: self._flatten(node, feeds[0])),
            (lambda: name in _ADDING and len(feeds) == 2, lambda: self._add(node, *feeds)),
            (lambda: name == "cat" and _is_channel_cat(node), lambda: self._cat(node)),
            (lambda: name in _ASKING and node not in self._shapes, lambda: None),
            (lambda: name == "neg", lambda: self._stop(node, PAIRED)),
        )
        for applies, act in rules:
            if applies():
                act()
                return
        self._stop(node, f"the network calls {name} on them")

    def _pass(self, node: fx.Node) -> None:
        self._ids[node] = next(
            self._ids[feed] for feed in node.all_input_nodes if feed in self._ids
        )

    def _add(self, node: fx.Node, first: fx.Node, second: fx.Node) -> None:
        if self._shapes[first][:2] != self._shapes[second][:2]:
            self._stop(node, "channels of different numbers are added")
            return
        self._tie(self._ids[first], self._ids[second])
        self._ids[node] = self._ids[first]

    def _cat(self, node: fx.Node) -> None:
        parts: Any = node.args[0] if node.args else node.kwargs["tensors"]
        self._ids[node] = np.concatenate([self._ids[part] for part in parts])

    def _flatten(self, node: fx.Node, feed: fx.Node, name: str = "") -> None:
        before, after = self._shapes[feed], self._shapes[node]
        pixels = int(np.prod(before[2:], dtype=np.int64))
        if len(after) != 2 or after != (before[0], before[1] * pixels):
            self._stop(node, f"{name or 'the network'} reshapes them")
            return
        self._ids[node] = np.repeat(self._ids[feed], pixels)

    def _fix(self, nodes: Iterable[fx.Node], reason: str) -> None:
        self._fixed += [(self._ids[feed], reason) for feed in nodes if feed in self._ids]

    def _stop(self, node: fx.Node, reason: str) -> None:
        """Leave alone what goes into a node that channels cannot be followed through."""
        self._fix(node.all_input_nodes, reason)
        shape = self._shapes.get(node, ())
        if len(shape) > 1:
            self._ids[node] = self._fresh(shape[1], reason)


def _is_spatial_mean(node: fx.Node) -> bool:
    axes: Any = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else ())
    found = {axes} if isinstance(axes, int) else set(axes)
    return bool(found) and found <= _SPATIAL


def _is_channel_cat(node: fx.Node) -> bool:
    axis: Any = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
    return bool(axis == 1)
