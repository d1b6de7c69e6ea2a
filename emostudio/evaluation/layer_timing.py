"""Single layers timed against each other outside their network, as ONNX Runtime would run them.

The graphs are written directly, with constant weights: a network's exporter takes a second per
layer, and the values do not change the time of float arithmetic.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from emostudio.core.errors import UnsupportedLayerError
from emostudio.core.events import Progress
from emostudio.inference.onnx_sessions import open_graph

Shape = tuple[int, ...]

_INPUT, _OPSET, _IR_VERSION = "input", 18, 9
_WEIGHT = 0.01
_BLOCKS = 7
_LEAST_BLOCKS = 3
_TURN_S = 0.006
_MOST_PER_TURN = 200


def geometry(layer: nn.Module, input_shape: Shape) -> str:
    """Return all of a layer that decides its time, in words; equal words mean equal time.

    Parameters
    ----------
    input_shape
        Of one input, without the batch.
    """
    return f"{layer!r} on {' x '.join(map(str, input_shape))}"


def chain_graph(layers: Sequence[nn.Module], input_shape: Shape) -> bytes:
    """Return an ONNX graph of convolutions and linear layers one after another, batch 1.

    Parameters
    ----------
    layers
        Only their geometry is used; they may have no values.
    input_shape
        (C, H, W), or (F,) for linear layers.

    Raises
    ------
    UnsupportedLayerError
        If a layer is neither, or its padding is not numeric.
    """
    from onnx import TensorProto, helper

    nodes: list[Any] = []
    name = _INPUT
    for number, layer in enumerate(layers):
        nodes += _nodes(layer, name, str(number))
        name = f"out{number}"
    values = [
        helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, [1, *input_shape]),
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None),
    ]
    graph = helper.make_graph(nodes, "layers", values[:1], values[1:])
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    content: bytes = model.SerializeToString()
    return content


def time_interleaved(
    graphs: Mapping[str, bytes], input_shape: Shape, threads: int, deadline_s: float = float("inf")
) -> Generator[Progress, None, dict[str, tuple[float, ...]]]:
    """Time graphs of the same input in turns, batch 1, so that the machine treats all alike.

    Parameters
    ----------
    graphs
        Complete ONNX models by name.
    input_shape
        Of one input, without the batch.
    threads
        Within one operator.
    deadline_s
        On the monotonic clock; behind it no block begins once there are enough.

    Returns
    -------
    By name, the median time of each block in milliseconds; block i of all ran at the same time.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses a graph.
    """
    generator = np.random.default_rng(0)
    batch = {_INPUT: generator.standard_normal((1, *input_shape)).astype(np.float32)}
    sessions = {name: open_graph(content, threads) for name, content in graphs.items()}
    repeats = {name: _repeats(session, batch) for name, session in sessions.items()}
    order, found = random.Random(0), {name: list[float]() for name in sessions}
    for block in range(_BLOCKS):
        if block >= _LEAST_BLOCKS and time.monotonic() > deadline_s:
            break
        for name in order.sample(list(sessions), len(sessions)):
            yield Progress()
            found[name].append(_block_ms(sessions[name], batch, repeats[name]))
    return {name: tuple(times) for name, times in found.items()}


def _repeats(session: Any, batch: dict[str, Any]) -> int:
    """Warm up, and return how often a graph runs in each block."""
    session.run(None, batch)
    spent_ms = min(_block_ms(session, batch, 1) for _ in range(2))
    return int(np.clip(1e3 * _TURN_S / max(spent_ms, 1e-6), 1, _MOST_PER_TURN))


def _block_ms(session: Any, batch: dict[str, Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter_ns()
        session.run(None, batch)
        times.append((time.perf_counter_ns() - start) / 1e6)
    return float(np.median(times))


def _nodes(layer: nn.Module, source: str, suffix: str) -> list[Any]:
    from onnx import helper

    if not isinstance(layer, nn.Conv2d | nn.Linear) or _has_named_padding(layer):
        raise UnsupportedLayerError(f"{type(layer).__name__} cannot be timed by itself")
    shape, inputs = tuple(layer.weight.shape), [source, f"weight{suffix}"]
    nodes = _constant(f"weight{suffix}", shape)
    if layer.bias is not None:
        nodes += _constant(f"bias{suffix}", shape[:1])
        inputs.append(f"bias{suffix}")
    if isinstance(layer, nn.Linear):
        nodes.append(helper.make_node("Gemm", inputs, [f"out{suffix}"], transB=1))
        return nodes
    attributes: dict[str, Any] = {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.stride),
        "pads": [int(side) for side in layer.padding] * 2,
        "dilations": list(layer.dilation),
        "group": layer.groups,
    }
    nodes.append(helper.make_node("Conv", inputs, [f"out{suffix}"], **attributes))
    return nodes


def _has_named_padding(layer: nn.Module) -> bool:
    return isinstance(getattr(layer, "padding", None), str)


def _constant(name: str, shape: Shape) -> list[Any]:
    """Return nodes that ONNX Runtime folds into an initialiser: the graph itself stays small."""
    from onnx import TensorProto, helper

    sides = helper.make_tensor(f"{name}_sides", TensorProto.INT64, [len(shape)], list(shape))
    value = helper.make_tensor(f"{name}_value", TensorProto.FLOAT, [1], [_WEIGHT])
    return [
        helper.make_node("Constant", [], [f"{name}_shape"], value=sides),
        helper.make_node("ConstantOfShape", [f"{name}_shape"], [name], value=value),
    ]
