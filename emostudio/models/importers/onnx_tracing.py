"""What happens inside an ONNX graph on a pair of images: shapes of all tensors and constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from emostudio.core.errors import InputError, first_line
from emostudio.models.onnx_network import NODE_LIMIT

_BATCH = 2


@dataclass(frozen=True)
class Trace:
    """A graph and its values on a batch of random images.

    Attributes
    ----------
    nodes
        In the order in which they run.
    source, target
        Names of the input and the output.
    constants
        Every tensor whose value does not depend on the pixels, by name.
    shapes
        Shape of every other tensor, batch first, by name.
    opset
        Version of the operator set.
    """

    nodes: tuple[onnx.NodeProto, ...]
    source: str
    target: str
    constants: dict[str, NDArray[np.generic]]
    shapes: dict[str, tuple[int, ...]]
    opset: int


def trace(content: bytes, input_shape: tuple[int, int, int]) -> Trace:
    """Run a graph once and return what is known about it then.

    Parameters
    ----------
    content
        A model that has passed `read_onnx`.
    input_shape
        (C, H, W) of one input.

    Raises
    ------
    InputError
        If the graph has too many nodes, does not run, or takes one image at a time only.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    if len(graph.node) > NODE_LIMIT:
        raise InputError(f"The graph has more than {NODE_LIMIT} nodes")
    constants = _stored(graph)
    source = next(one.name for one in graph.input if one.name not in constants)
    target = graph.output[0].name
    moving = _moving(graph.node, source)
    inner = [name for node in graph.node for name in node.output if name]
    images = np.random.default_rng(0).standard_normal((_BATCH, *input_shape), dtype=np.float32)
    values = dict(zip(inner, run_graph(content, source, images, inner), strict=True))
    constants.update({name: value for name, value in values.items() if name not in moving})
    shapes = {name: tuple(values[name].shape) for name in inner if name in moving}
    shapes[source] = (_BATCH, *input_shape)
    opset = max(
        (one.version for one in model.opset_import if one.domain in {"", "ai.onnx"}), default=1
    )
    return Trace(tuple(graph.node), source, target, constants, shapes, opset)


def run_graph(
    content: bytes, source: str, images: NDArray[np.float32], outputs: Sequence[str]
) -> list[NDArray[np.generic]]:
    """Return tensors of a graph for a batch (N, C, H, W), whichever of them are outputs.

    Raises
    ------
    InputError
        If the graph does not run.
    """
    model = onnx.load_from_string(content)
    del model.graph.output[:]
    del model.graph.value_info[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    for one in model.graph.input:
        if one.name == source and one.type.tensor_type.shape.dim:
            one.type.tensor_type.shape.dim[0].dim_param = "batch"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # Optimisations would fuse layers whose outputs are asked for.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        found: list[NDArray[np.generic]] = session.run(list(outputs), {source: images})
    except Exception as error:  # ONNX Runtime raises its own kinds, without a common base
        raise InputError(
            "The graph does not run on a batch of images", why=first_line(error)
        ) from error
    return found


def _stored(graph: onnx.GraphProto) -> dict[str, NDArray[np.generic]]:
    try:
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("A tensor of the graph is damaged", why=str(error)) from error


def _moving(nodes: Sequence[onnx.NodeProto], source: str) -> set[str]:
    """Return the tensors that depend on the pixels; shapes do not."""
    moving = {source}
    for node in nodes:
        if node.op_type not in {"Shape", "Size"} and any(name in moving for name in node.input):
            moving.update(node.output)
    return moving
