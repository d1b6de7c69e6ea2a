"""ONNX graphs of plain networks become layers that can be pruned, decomposed and hashed.

The conversion counts only if the layers give what ONNX Runtime gives for the original graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.models.importers.onnx_drawing import Drawing, refused
from emostudio.models.importers.onnx_operators import OPERATORS
from emostudio.models.importers.onnx_tracing import run_graph, trace
from emostudio.models.onnx_network import Node, build_network, described, layer_paths

ARCHITECTURE_KEY = "onnx_graph"

TOLERANCE = 1e-4
"""Largest difference of logits at which layers and graph count as equal."""

_CHECKED_INPUTS = 64


@dataclass(frozen=True)
class Parity:
    """How far layers and graph are apart.

    Attributes
    ----------
    inputs
        Number of inputs compared.
    logits
        Largest difference of a logit.
    outputs
        Largest difference of what the original graph gives out.
    """

    inputs: int
    logits: float
    outputs: float


@dataclass(frozen=True)
class ConvertedNetwork:
    """A network taken apart into layers.

    Attributes
    ----------
    module
        Maps (N, C, H, W) to raw logits.
    settings
        Settings of the architecture ``onnx_graph`` from which it is built again.
    class_count
        Number of logits.
    parity
        On random inputs.
    """

    module: nn.Module
    settings: dict[str, Any]
    class_count: int
    parity: Parity
    content: bytes
    source: str
    logits: str
    target: str


def convert(content: bytes, input_shape: tuple[int, int, int]) -> ConvertedNetwork:
    """Take an ONNX classifier apart and compare the layers with ONNX Runtime.

    Parameters
    ----------
    content
        A model that has passed `read_onnx`.
    input_shape
        (C, H, W) of one input.

    Raises
    ------
    InputError
        If an operator is not known, or the layers do not give what the graph gives.
    """
    channels, height, width = input_shape
    if height != width or not 24 <= height <= 512:
        raise InputError(
            "The network cannot be converted",
            why=f"its input has {width} x {height} pixels, not a square of 24 to 512",
            next_step="Import the network as a black box: it can still be a teacher",
        )
    drawing = Drawing(trace(content, input_shape))
    logits = _logits(drawing)
    for node in drawing.trace.nodes:
        if any(name in drawing.trace.shapes for name in node.output):
            _read(drawing, node)
        if logits in node.output:
            break
    nodes = _used(drawing, logits)
    module, shape = build_network(nodes, input_shape)
    if len(shape) != 1:
        raise InputError(f"The network gives {len(shape)} axes for an image, not one")
    _fill(module, nodes, drawing)
    settings = {
        "class_count": shape[0],
        "input_size": height,
        "channels": channels,
        "graph": described(nodes),
    }
    module.eval()
    source, target = drawing.trace.source, drawing.trace.target
    unchecked = ConvertedNetwork(
        module, settings, shape[0], Parity(0, 0.0, 0.0), content, source, logits, target
    )
    generator = np.random.default_rng(1)
    half = (_CHECKED_INPUTS // 2, *input_shape)
    normal = generator.standard_normal(half, dtype=np.float32)
    pixels = generator.random(half, dtype=np.float32)
    parity = check_parity(unchecked, np.concatenate([normal, pixels]))
    return ConvertedNetwork(module, settings, shape[0], parity, content, source, logits, target)


def check_parity(network: ConvertedNetwork, images: NDArray[np.float32]) -> Parity:
    """Compare layers and graph on a batch (N, C, H, W).

    Raises
    ------
    InputError
        If a logit or an output differs by more than `TOLERANCE`.
    """
    names = list(dict.fromkeys([network.logits, network.target]))
    ends_elsewhere = network.logits != network.target
    with torch.inference_mode():
        found = network.module(torch.from_numpy(images))
    expected = [
        torch.from_numpy(np.asarray(one, dtype=np.float32))
        for one in run_graph(network.content, network.source, images, names)
    ]
    outputs = torch.softmax(found, 1) if ends_elsewhere else found
    parity = Parity(len(images), _distance(found, expected[0]), _distance(outputs, expected[-1]))
    if not max(parity.logits, parity.outputs) <= TOLERANCE:
        raise InputError(
            "The converted layers do not give what the graph gives",
            why=f"logits differ by up to {parity.logits:.2g}, {TOLERANCE:g} is allowed",
            next_step="Import the network as a black box: it can still be a teacher",
        )
    return parity


def _distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    if found.shape != expected.shape:
        return float("inf")
    difference = float((found - expected).abs().max())
    return float("inf") if math.isnan(difference) else difference


def _logits(drawing: Drawing) -> str:
    """Return the tensor of raw logits: what goes into the last softmax, if there is one."""
    target = drawing.trace.target
    made = {name: node for node in drawing.trace.nodes for name in node.output}
    node = made.get(target)
    while node is not None and node.op_type == "Identity":
        target = node.input[0]
        node = made.get(target)
    if node is None or node.op_type != "Softmax":
        return drawing.trace.target
    shape = drawing.trace.shapes.get(node.input[0], ())
    usual = 1 if drawing.trace.opset < 13 else -1
    is_over_classes = drawing.attributes(node).get("axis", usual) in {1, -1}
    return str(node.input[0]) if len(shape) == 2 and is_over_classes else drawing.trace.target


def _read(drawing: Drawing, node: Any) -> None:
    reader = OPERATORS.get(node.op_type)
    if reader is None:
        raise refused(node, "this operator is not known")
    try:
        reader(drawing, node)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        if isinstance(error, EmoStudioError):
            raise
        raise refused(node, "its attributes or constants do not fit it") from error


def _used(drawing: Drawing, logits: str) -> tuple[Node, ...]:
    """Return the nodes that the logits depend on, in order."""
    stream = drawing.streams.get(logits)
    if stream is None or not stream.node or not stream.is_plain:
        raise InputError(
            "The network cannot be converted",
            why="its output does not come from a layer",
            next_step="Import the network as a black box: it can still be a teacher",
        )
    wanted = {stream.node}
    for node in reversed(drawing.nodes.values()):
        if node.name in wanted:
            wanted.update(node.inputs)
    return tuple(node for node in drawing.nodes.values() if node.name in wanted)


def _fill(module: nn.Module, nodes: tuple[Node, ...], drawing: Drawing) -> None:
    paths = layer_paths(nodes)
    for node in nodes:
        values = drawing.tensors.get(node.name, {})
        layer = module.get_submodule(paths[node.name]) if node.name in paths else None
        state = {} if layer is None else layer.state_dict()
        for key, value in values.items():
            if state[key].shape != value.shape:
                raise InputError(
                    f"{node.op} {node.name} cannot be converted",
                    why=f"its {key} has shape {list(value.shape)}, not {list(state[key].shape)}",
                    next_step="Import the network as a black box: it can still be a teacher",
                )
            state[key].copy_(torch.from_numpy(value.copy()))
