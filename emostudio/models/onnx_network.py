"""Converted ONNX networks: built from a description of their nodes, and from nothing else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from emostudio.core.errors import InputError
from emostudio.models.onnx_layers import LAYERS, Shape, whole

DESCRIPTION_LIMIT = 1_000_000
"""Characters that a description may have."""

NODE_LIMIT = 2_000
"""Nodes that a converted network may have."""

_ELEMENT_LIMIT = 2**28
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")

_MEETINGS: dict[str, Callable[..., Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
}


@dataclass(frozen=True)
class Node:
    """One step of a network.

    Attributes
    ----------
    op
        A key of `LAYERS`, or ``add``, ``sub``, ``mul``, ``div`` or ``concat``.
    name
        Unique; the name of its layer.
    inputs
        Names of earlier nodes; the empty name is the network's input.
    attributes
        What the maker of its layer reads.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def is_meeting(self) -> bool:
        """Whether several streams of data meet here."""
        return self.op == "concat" or self.op in _MEETINGS


class Block(nn.Module):
    """A part of a network with branches; whatever enters it enters at one place.

    Parameters
    ----------
    nodes
        In the order in which they run; the last gives the output.
    layers
        One for each node where streams do not meet.
    """

    def __init__(self, nodes: Sequence[Node], layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._nodes = tuple(nodes)
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, features: Tensor) -> Tensor:
        """Return the output of the last node."""
        values: dict[str, Tensor] = {}
        for node in self._nodes:
            inputs = [values.get(name, features) for name in node.inputs]
            if node.is_meeting:
                values[node.name] = _meet(node, inputs)
            else:
                values[node.name] = self._modules[node.name](*inputs)  # type: ignore[misc]
        return values[self._nodes[-1].name]


def is_free(name: str) -> bool:
    """Return whether a layer can have this name."""
    return _NAME.fullmatch(name) is not None and not (
        hasattr(_BARE_BLOCK, name) or hasattr(_BARE_CHAIN, name)
    )


_BARE_BLOCK = Block((), {})
_BARE_CHAIN = nn.Sequential()


def described(nodes: Sequence[Node]) -> str:
    """Return the description of `nodes` as compact JSON."""
    entries = [[node.op, node.name, list(node.inputs), dict(node.attributes)] for node in nodes]
    return json.dumps(entries, separators=(",", ":"), allow_nan=False)


def parse_description(text: str) -> tuple[Node, ...]:
    """Read a description.

    Raises
    ------
    InputError
        If it is not JSON of the right form, too long, or its nodes do not follow each other.
    """
    if len(text) > DESCRIPTION_LIMIT:
        raise _damaged("it is too long")
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged("it is not JSON") from error
    if not isinstance(entries, list) or not 0 < len(entries) <= NODE_LIMIT:
        raise _damaged(f"it must list 1 to {NODE_LIMIT} nodes")
    known = {""}
    nodes = []
    for entry in entries:
        node = _parse_node(entry)
        if node.name in known or not is_free(node.name):
            raise _damaged(f"a layer cannot be called {node.name[:60]!r}")
        if any(name not in known for name in node.inputs):
            raise _damaged(f"{node.name} comes before its inputs")
        known.add(node.name)
        nodes.append(node)
    unused = known - {name for node in nodes for name in node.inputs} - {nodes[-1].name}
    if unused:
        raise _damaged(f"nothing uses {sorted(unused)[0] or 'the input'}")
    return tuple(nodes)


def _parse_node(entry: object) -> Node:
    if not isinstance(entry, list) or len(entry) != 4:
        raise _damaged("a node is not [op, name, inputs, attributes]")
    op, name, inputs, attributes = entry
    if not isinstance(op, str) or not isinstance(name, str) or not isinstance(attributes, dict):
        raise _damaged("a node is not [op, name, inputs, attributes]")
    if not isinstance(inputs, list) or not all(isinstance(one, str) for one in inputs):
        raise _damaged(f"the inputs of {name[:60]} are not names")
    node = Node(op, name, tuple(inputs), attributes)
    least, most = (2, 64) if op == "concat" else (2, 2) if node.is_meeting else (1, 1)
    if not node.is_meeting and op not in LAYERS:
        raise _damaged(f"there is no layer {op[:60]!r}")
    if not least <= len(inputs) <= most:
        raise _damaged(f"{name[:60]} has {len(inputs)} inputs")
    return node


def build_network(
    nodes: Sequence[Node], input_shape: tuple[int, int, int]
) -> tuple[nn.Sequential, Shape]:
    """Return the network and the shape of its output, without the batch.

    The network is a chain of layers and blocks, cut wherever everything flows through one node;
    a block has the name of its last node.

    Raises
    ------
    InputError
        If layers do not fit each other or the network would be too large.
    """
    shapes = _shapes(nodes, input_shape)
    network = nn.Sequential()
    for segment in _segments(nodes):
        layers = {
            node.name: LAYERS[node.op](node.attributes, shapes[node.inputs[0]])
            for node in segment
            if not node.is_meeting
        }
        last = segment[-1]
        alone = len(segment) == 1 and not last.is_meeting
        network.add_module(last.name, layers[last.name] if alone else Block(segment, layers))
    return network, shapes[nodes[-1].name]


def layer_paths(nodes: Sequence[Node]) -> dict[str, str]:
    """Return the path of every node's layer in the built network."""
    paths: dict[str, str] = {}
    for segment in _segments(nodes):
        last = segment[-1].name
        alone = len(segment) == 1 and not segment[0].is_meeting
        for node in segment:
            if not node.is_meeting:
                paths[node.name] = node.name if alone else f"{last}.{node.name}"
    return paths


def _segments(nodes: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Cut behind every node that alone is used by what comes after it."""
    order = {node.name: index for index, node in enumerate(nodes)}
    last_use = list(range(len(nodes)))
    used_until = -1
    for index, node in enumerate(nodes):
        for name in node.inputs:
            if name:
                last_use[order[name]] = index
            else:
                used_until = index
    segments: list[tuple[Node, ...]] = []
    start = 0
    for index in range(len(nodes)):
        if used_until <= index:
            segments.append(tuple(nodes[start : index + 1]))
            start = index + 1
        used_until = max(used_until, last_use[index])
    return segments


def _shapes(nodes: Sequence[Node], input_shape: tuple[int, int, int]) -> dict[str, Shape]:
    """Run every node on tensors without values; nothing is allocated before all is known to fit."""
    values = {"": torch.empty(2, *input_shape, device="meta")}
    parameters = 0
    for node in nodes:
        inputs = [values[name] for name in node.inputs]
        try:
            with torch.device("meta"):
                if node.is_meeting:
                    found = _meet(node, inputs)
                else:
                    shape = tuple(inputs[0].shape[1:])
                    layer = LAYERS[node.op](node.attributes, shape).eval()
                    parameters += sum(one.numel() for one in layer.state_dict().values())
                    found = layer(inputs[0])
        except (RuntimeError, ValueError, IndexError, TypeError, OverflowError) as error:
            raise _damaged(f"{node.op} {node.name} does not fit its input") from error
        if not len(found.shape) or found.shape[0] != 2 or math.prod(found.shape) > _ELEMENT_LIMIT:
            raise _damaged(f"{node.op} {node.name} gives the impossible shape {list(found.shape)}")
        if parameters > _ELEMENT_LIMIT:
            raise _damaged("it has too many parameters")
        values[node.name] = found
    return {name: tuple(value.shape[1:]) for name, value in values.items()}


def _meet(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    if node.op == "concat":
        return torch.cat(list(inputs), whole(node.attributes, "axis", 1, 5, 1))
    return _MEETINGS[node.op](*inputs)


def _damaged(why: str) -> InputError:
    return InputError(
        "The description of the network's layers is damaged",
        why=why,
        next_step="Import the ONNX file again",
    )
