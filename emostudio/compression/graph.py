"""How the layers of a network are connected, found by tracing its forward pass.

Batch normalisations and activations behind a convolution are found in chains and in blocks with
branches alike, whatever the layers are called.
"""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from emostudio.compression.surgery import WeightHolder
from emostudio.core.errors import InputError, first_line


class LayerGraph:
    """The layers of a network and which feeds which.

    Layers are named by their path; functions between layers by their name in angle brackets, such
    as ``<cat>``, with a number where there are several.

    Parameters
    ----------
    module
        Left untouched; layers without values will do.

    Raises
    ------
    InputError
        If the forward pass depends on the values of its input and cannot be traced.
    """

    def __init__(self, module: nn.Module) -> None:
        trace = getattr(module, "traced_as", None)  # a wrapper says what stands for it
        self.root: nn.Module = module if trace is None else trace()
        try:
            self.graph = _Tracer().trace(self.root)
        except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError) as error:
            raise InputError(
                "The network's layers cannot be followed",
                why=first_line(error),
                next_step="Choose a network without control flow",
            ) from error
        self._names = {node: _name(node) for node in self.graph.nodes}
        self._nodes: dict[str, list[fx.Node]] = {}
        for node, name in self._names.items():
            self._nodes.setdefault(name, []).append(node)

    def after(self, name: str) -> tuple[str, ...]:
        """Return what consumes the output of a layer, in order."""
        users = (self._names[user] for node in self._at(name) for user in node.users)
        return tuple(dict.fromkeys(users))

    def before(self, name: str) -> tuple[str, ...]:
        """Return what feeds a layer, in order of its arguments."""
        feeds = (self._names[feed] for node in self._at(name) for feed in node.all_input_nodes)
        return tuple(dict.fromkeys(feeds))

    def chain(self, name: str) -> tuple[str, ...]:
        """Return the layers behind `name` up to the first branch, function or meeting point."""
        found: list[str] = []
        while True:
            users = self.after(name)
            if len(users) != 1 or users[0].startswith("<") or len(self.before(users[0])) != 1:
                return tuple(found)
            name = users[0]
            found.append(name)

    def order(self) -> tuple[str, ...]:
        """Return layers and functions in the order in which they run."""
        return tuple(dict.fromkeys(self._names.values()))

    def _at(self, name: str) -> list[fx.Node]:
        try:
            return self._nodes[name]
        except KeyError:
            raise InputError(f"The network has no layer {name}") from None


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = isinstance(m, WeightHolder) or hasattr(m, "mac_count")
        standard: bool = super().is_leaf_module(m, module_qualified_name)
        return own or standard or next(m.children(), None) is None


def _name(node: fx.Node) -> str:
    if node.op == "call_module":
        return str(node.target)
    target: Any = node.name
    return f"<{target}>"
