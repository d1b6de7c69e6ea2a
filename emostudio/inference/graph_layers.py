"""Which layer of a network a node of its exported, optimised graph belongs to."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SCOPES = "pkg.torch.onnx.name_scopes"
_FUSED, _BLOCKED = "fused ", "_nchwc"
_TRACED_PREFIX = "body."
_LAYOUT = ("ReorderInput", "ReorderOutput", "Transpose", "Cast")


@dataclass(frozen=True)
class NodeLayer:
    """The layer a node computes, empty where it only changes the layout; `fused` follows it."""

    layer: str
    fused: tuple[str, ...] = ()


class GraphLayers:
    """Looks up nodes as ONNX Runtime names them after its optimisations.

    Blocked convolutions go by the name of the value they write, fused ones by that of the first
    node they consist of.

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
        if kind in _LAYOUT and node not in self._by_name:
            return NodeLayer("")
        found = self._by_name.get(node.removeprefix(_FUSED))
        if found is None and node.endswith(_BLOCKED):
            found = self._writes.get(node.removesuffix(_BLOCKED))
        if found is None:
            return NodeLayer("")
        fused: list[str] = []
        while not self._owns_weights(found) and kind not in {found.op_type}:
            before = self._writes.get(found.input[0]) if found.input else None
            if before is None:
                break
            fused.append(found.op_type)
            found = before
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


def _names(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text) if text else []
    except (SyntaxError, ValueError):
        return []
    return [str(name) for name in found] if isinstance(found, list) else []
