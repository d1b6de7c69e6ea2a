"""A network as a graph of layers, with the shape of every value."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

from emostudio.core.errors import EmoStudioError, first_line
from emostudio.inference.graph import is_exchanged, onnx_part
from emostudio.inference.layer_spec import SignLayerLike

IDLE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
_SPATIAL = 4

Shape = tuple[int, ...]


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Keep layers whole, and those that know their packed form."""
        whole = isinstance(m, SignLayerLike) or is_exchanged(m)
        return whole or super().is_leaf_module(m, module_qualified_name)


def traced(network: nn.Module, input_shape: Shape) -> tuple[fx.GraphModule, dict[str, Shape]]:
    """Return the graph of a network in evaluation mode, and the shape of each value.

    Shapes are those of a batch of one, without the batch. What does nothing in evaluation mode is
    left out.

    Raises
    ------
    EmoStudioError
        If the network decides by its input what to do.
    """
    try:
        graph = _Tracer().trace(network)
        module = fx.GraphModule(network, graph)
        _drop_idle(module)
        recorder = _Shapes(module)
        with torch.inference_mode():
            recorder.run(torch.zeros(1, *input_shape))
    except Exception as error:
        raise EmoStudioError(
            "The packed engine cannot follow the network",
            why=first_line(error),
            next_step="Run it on another engine",
        ) from error
    return module, recorder.shapes


class _Shapes(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, Shape] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run a node and note the shape of what it returns."""
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.shapes[n.name] = tuple(result.shape[1:])
        return result


def _drop_idle(module: fx.GraphModule) -> None:
    for node in list(module.graph.nodes):
        if isinstance(module_of(module, node), IDLE):
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
    module.recompile()


def module_of(module: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """Return the layer that a node calls, or None."""
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def stretch_graph(
    module: fx.GraphModule, nodes: list[fx.Node], shapes: dict[str, Shape], source: str
) -> tuple[tuple[str, ...], tuple[str, ...], bytes]:
    """Export nodes that follow each other as one ONNX graph.

    Values of four dimensions enter and leave as (N, H, W, C), but for the network's own input.

    Parameters
    ----------
    module, shapes
        From `traced`.
    nodes
        In topological order.
    source
        Name of the network's input.

    Returns
    -------
    Names of the values read, of those that others need, and the ONNX model.

    Raises
    ------
    EmoStudioError
        If a layer cannot be expressed in ONNX.
    """
    inside = set(nodes)
    read: dict[str, fx.Node] = {}
    for node in nodes:
        read.update({n.name: n for n in node.all_input_nodes if n not in inside})
    needed = [node for node in nodes if any(user not in inside for user in node.users)]
    graph = fx.Graph()
    places: dict[fx.Node, fx.Node] = {}
    examples: dict[str, Shape] = {}
    for name, node in read.items():
        shape = shapes[name]
        value = graph.placeholder(name)
        if len(shape) + 1 == _SPATIAL and name != source:
            value = graph.call_method("permute", (value, 0, 3, 1, 2))
            shape = (*shape[1:], shape[0])
        examples[name], places[node] = shape, value
    for node in nodes:
        places[node] = graph.node_copy(node, lambda old: places[old])
    graph.output(tuple(_leaving(graph, places[node], shapes[node.name]) for node in needed))
    stretch = fx.GraphModule(module, graph)
    outputs = tuple(node.name for node in needed)
    return tuple(read), outputs, onnx_part(stretch, examples, outputs)


def _leaving(graph: fx.Graph, value: fx.Node, shape: Shape) -> fx.Node:
    if len(shape) + 1 != _SPATIAL:
        return value
    return graph.call_method("permute", (value, 0, 2, 3, 1))
