"""A description of layers that is drawn up step by step while an ONNX graph is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from emostudio.core.errors import InputError
from emostudio.models.importers.onnx_tracing import Trace
from emostudio.models.onnx_network import Node, is_free

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Stream:
    """A tensor of the ONNX graph in terms of the network.

    Attributes
    ----------
    node
        Name of the network's node that computes it.
    axes
        Axis i of the ONNX tensor is axis ``axes[i]`` of the network's tensor; so layouts are
        carried along, and transpositions that cancel leave nothing behind.
    """

    node: str
    axes: tuple[int, ...]

    @property
    def is_plain(self) -> bool:
        """Whether both tensors have their axes in the same order."""
        return self.axes == tuple(range(len(self.axes)))


@dataclass
class Drawing:
    """The network drawn so far.

    Attributes
    ----------
    trace
        What is known about the graph.
    nodes
        The network's nodes.
    tensors
        Values by node and name of the tensor within its layer.
    streams
        The network's counterpart of every ONNX tensor that depends on the pixels.
    """

    trace: Trace
    nodes: dict[str, Node] = field(default_factory=dict)
    tensors: dict[str, dict[str, Array]] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.streams[self.trace.source] = Stream("", (0, 1, 2, 3))
        self._uses = Counter(name for node in self.trace.nodes for name in node.input if name)

    def attributes(self, node: onnx.NodeProto) -> dict[str, Any]:
        """Return the attributes of an ONNX node, bytes as text."""
        found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        return {
            name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            for name, value in found.items()
        }

    def constant(self, node: onnx.NodeProto, index: int) -> NDArray[np.generic] | None:
        """Return an input that does not depend on the pixels, or None if it is not given.

        Raises
        ------
        InputError
            If it depends on the pixels.
        """
        if index >= len(node.input) or not node.input[index]:
            return None
        try:
            return self.trace.constants[node.input[index]]
        except KeyError:
            raise refused(node, f"its input {index} is not a constant") from None

    def required(self, node: onnx.NodeProto, index: int) -> Array:
        """Return a constant input as float32.

        Raises
        ------
        InputError
            If it is missing or depends on the pixels.
        """
        value = self.constant(node, index)
        if value is None:
            raise refused(node, f"its input {index} is missing")
        return np.ascontiguousarray(value, dtype=np.float32)

    def stream(self, node: onnx.NodeProto, index: int = 0) -> Stream:
        """Return the network's counterpart of an input.

        Raises
        ------
        InputError
            If the input is a constant.
        """
        try:
            return self.streams[node.input[index]]
        except (KeyError, IndexError):
            raise refused(node, f"its input {index} does not depend on the image") from None

    def plain(self, node: onnx.NodeProto, index: int = 0) -> str:
        """Return the network's node for an input, its axes put in the order of the graph."""
        stream = self.stream(node, index)
        if stream.is_plain:
            return stream.node
        name = self.add("permute", f"{node.output[0]}_order", [stream.node], axes=stream.axes)
        self.streams[node.input[index]] = Stream(name, tuple(range(len(stream.axes))))
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an ONNX tensor, batch first."""
        return self.trace.shapes[name]

    def is_used_once(self, node: str, name: str) -> bool:
        """Return whether an ONNX tensor goes to one place, and `node` to nothing else."""
        others = sum(node in one.inputs for one in self.nodes.values())
        return self._uses[name] == 1 and others == 0 and name != self.trace.target

    def add(
        self,
        op: str,
        wanted: str,
        inputs: list[str],
        tensors: Mapping[str, Array] | None = None,
        **attributes: Any,
    ) -> str:
        """Add a node and return its name."""
        name = self._free_name(wanted)
        self.nodes[name] = Node(op, name, tuple(inputs), attributes)
        if tensors:
            self.tensors[name] = dict(tensors)
        return name

    def change(self, name: str, **attributes: Any) -> None:
        """Change attributes of a node."""
        node = self.nodes[name]
        self.nodes[name] = replace(node, attributes={**node.attributes, **attributes})

    def put(self, node: onnx.NodeProto, name: str, axes: tuple[int, ...] | None = None) -> None:
        """Say which of the network's nodes gives the output of an ONNX node."""
        rank = len(self.shape(node.output[0]))
        self.streams[node.output[0]] = Stream(name, axes or tuple(range(rank)))

    def _free_name(self, wanted: str) -> str:
        clean = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_")[:80] or "layer"
        if clean[0].isdigit():
            clean = f"layer_{clean}"
        name, number = clean, 1
        while name in self.nodes or not is_free(name):
            number += 1
            name = f"{clean}_{number}"
        return name


def title(node: onnx.NodeProto) -> str:
    """Return what an ONNX node is called: its own name or that of its output."""
    return str(node.name or node.output[0])


def refused(node: onnx.NodeProto, why: str) -> InputError:
    """Return the error for a node that cannot be taken apart."""
    return InputError(
        f"{node.op_type[:60]} {title(node)[:60]} cannot be converted",
        why=why,
        next_step="Import the network as a black box: it can still be a teacher",
    )
