"""Which layer of a network a node of its exported, optimised graph belongs to."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SCOPES = "pkg.torch.onnx.name_scopes"
_FUSED, _BLOCKED = "fused ", "_nchwc"
_TRACED_PREFIX = "body."
_ADDED = re.compile(r"(_token_\d+|/\w+Fusion)+$")
"""What optimisations append to the name of a node they replace."""


@dataclass(frozen=True)
class NodeLayer:
    """The layer a node computes, empty where it only changes the layout; `fused` follows it."""

    layer: str
    fused: tuple[str, ...] = ()


class GraphLayers:
    """Looks up nodes as ONNX Runtime names them after its optimisations.

    Blocked convolutions go by the name of the value they write; other kernels by that of the first
    node they consist of, with a few words around it.

    Parameters
    ----------
    content
        The graph as it was exported.
    """

    def __init__(self, content: bytes) -> None:
        import onnx

        graph = onnx.load_from_string(content).graph
        self._by_name: dict[str, Any] = {node.name: node for node in graph.node}
        self._writes = {value: node for node in graph.node for value in node.output}
        self._weights = {one.name for one in graph.initializer}

    def of(self, node: str, kind: str) -> NodeLayer:
        """Return the layer of a node that ran as operator `kind`."""
        found = self._by_name.get(_first_name(node))
        if found is not None:
            return NodeLayer(self._layer(found))
        found = self._writes.get(node.removesuffix(_BLOCKED)) if node.endswith(_BLOCKED) else None
        fused: list[str] = []
        while found is not None and found.op_type != kind and not self._owns_weights(found):
            fused.append(found.op_type)
            found = self._writes.get(found.input[0]) if found.input else None
        if found is None:
            return NodeLayer("")
        return NodeLayer(self._layer(found), tuple(reversed(fused)))

    def _owns_weights(self, node: Any) -> bool:
        return any(name in self._weights for name in node.input[1:])

    def _layer(self, node: Any) -> str:
        for name in node.input:
            if name in self._weights and "." in name:
                return str(name).rpartition(".")[0].removeprefix(_TRACED_PREFIX)
        scopes: Mapping[str, str] = {entry.key: entry.value for entry in node.metadata_props}
        names = _names(scopes.get(_SCOPES, ""))
        return names[-2].removeprefix(_TRACED_PREFIX) if len(names) > 1 else ""


def _first_name(node: str) -> str:
    """Return the exported node's name within an optimised node's."""
    return _ADDED.sub("", node.removeprefix(_FUSED))


def _names(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text) if text else []
    except (SyntaxError, ValueError):
        return []
    return [str(name) for name in found] if isinstance(found, list) else []
