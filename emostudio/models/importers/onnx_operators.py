"""ONNX operators without windows: dense layers, arithmetic, activations and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from emostudio.models.importers.onnx_drawing import Array, Drawing, Stream, refused, title
from emostudio.models.importers.onnx_windows import avg_pool, conv, max_pool, pad

Operator = Callable[[Drawing, onnx.NodeProto], None]


def _gemm(drawing: Drawing, node: onnx.NodeProto) -> None:
    given = drawing.attributes(node)
    if given.get("transA", 0):
        raise refused(node, "it transposes the images of a batch")
    weight = drawing.required(node, 1)
    weight = weight if given.get("transB", 0) else weight.T
    bias = drawing.constant(node, 2)
    alpha, beta = float(given.get("alpha", 1.0)), float(given.get("beta", 1.0))
    values = None
    if bias is not None:
        values = np.broadcast_to(beta * drawing.required(node, 2), (1, weight.shape[0]))[0]
    _dense(drawing, node, alpha * weight, values)


def _matmul(drawing: Drawing, node: onnx.NodeProto) -> None:
    weight = drawing.required(node, 1)
    if weight.ndim != 2 or len(drawing.shape(node.input[0])) != 2:
        raise refused(node, "it does not multiply a vector for each image with a matrix")
    _dense(drawing, node, weight.T, None)


def _dense(drawing: Drawing, node: onnx.NodeProto, weight: Array, bias: Array | None) -> None:
    tensors = {"weight": np.ascontiguousarray(weight, dtype=np.float32)}
    if bias is not None:
        tensors["bias"] = np.ascontiguousarray(bias, dtype=np.float32)
    name = drawing.add(
        "linear",
        title(node),
        [drawing.plain(node)],
        tensors,
        out=weight.shape[0],
        bias=bias is not None,
    )
    drawing.put(node, name)


def _batch_norm(drawing: Drawing, node: onnx.NodeProto) -> None:
    given = drawing.attributes(node)
    if given.get("training_mode", 0) or len([name for name in node.output if name]) > 1:
        raise refused(node, "it is in training mode")
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: drawing.required(node, place) for place, name in enumerate(names, start=1)}
    stream = drawing.stream(node)
    fits = len(stream.axes) in {2, 4} and stream.axes[1] == 1
    source, axes = (stream.node, stream.axes) if fits else (drawing.plain(node), None)
    eps = float(given.get("epsilon", 1e-5))
    drawing.put(node, drawing.add("batch_norm", title(node), [source], tensors, eps=eps), axes)


def _lrn(drawing: Drawing, node: onnx.NodeProto) -> None:
    given = drawing.attributes(node)
    name = drawing.add(
        "lrn",
        title(node),
        [drawing.plain(node)],
        size=int(given["size"]),
        alpha=float(given.get("alpha", 1e-4)),
        beta=float(given.get("beta", 0.75)),
        k=float(given.get("bias", 1.0)),
    )
    drawing.put(node, name)


def _activation(op: str, **names: tuple[str, float]) -> Operator:
    """Return the reader of an operator that treats every value alike."""

    def read(drawing: Drawing, node: onnx.NodeProto) -> None:
        given = drawing.attributes(node)
        values: dict[str, Any] = {
            ours: float(given.get(name, usual)) for ours, (name, usual) in names.items()
        }
        stream = drawing.stream(node)
        drawing.put(node, drawing.add(op, title(node), [stream.node], **values), stream.axes)

    return read


def _clip(drawing: Drawing, node: onnx.NodeProto) -> None:
    given = drawing.attributes(node)
    bounds: dict[str, float | None] = {}
    for place, (ours, name) in enumerate((("low", "min"), ("high", "max")), start=1):
        value = drawing.constant(node, place)
        found = given.get(name) if value is None else float(np.ravel(value)[0])
        bounds[ours] = None if found is None or abs(found) > 3e38 else float(found)
    if bounds["low"] is None and bounds["high"] is None:
        _same(drawing, node)
        return
    is_relu = bounds == {"low": 0.0, "high": None}
    stream = drawing.stream(node)
    op = "relu" if is_relu else "clip"
    values: dict[str, Any] = {} if is_relu else dict(bounds)
    drawing.put(node, drawing.add(op, title(node), [stream.node], **values), stream.axes)


def _prelu(drawing: Drawing, node: onnx.NodeProto) -> None:
    slope = drawing.required(node, 1)
    stream = drawing.stream(node)
    shape = _in_our_order(drawing, node, slope, stream).shape
    channels = shape[1] if len(shape) > 1 else 1
    if slope.size not in {1, channels}:
        raise refused(node, "its slopes differ from pixel to pixel")
    values = {"weight": slope.reshape(-1)}
    name = drawing.add("prelu", title(node), [stream.node], values, count=int(slope.size))
    drawing.put(node, name, stream.axes)


def _dropout(drawing: Drawing, node: onnx.NodeProto) -> None:
    rate = drawing.constant(node, 1)
    given = drawing.attributes(node).get("ratio", 0.5)
    value = float(given if rate is None else np.ravel(rate)[0])
    stream = drawing.stream(node)
    drawing.put(node, drawing.add("dropout", title(node), [stream.node], rate=value), stream.axes)


def _softmax(drawing: Drawing, node: onnx.NodeProto) -> None:
    rank = len(drawing.shape(node.input[0]))
    axis = int(drawing.attributes(node).get("axis", 1 if drawing.trace.opset < 13 else -1)) % rank
    if drawing.trace.opset < 13 and rank != 2:
        raise refused(node, "it is over several axes")
    name = drawing.add("softmax", title(node), [drawing.plain(node)], axis=axis)
    drawing.put(node, name)


def _same(drawing: Drawing, node: onnx.NodeProto) -> None:
    drawing.streams[node.output[0]] = drawing.stream(node)


def _transpose(drawing: Drawing, node: onnx.NodeProto) -> None:
    stream = drawing.stream(node)
    usual = list(reversed(range(len(stream.axes))))
    order = [int(axis) for axis in drawing.attributes(node).get("perm", usual)]
    axes = tuple(stream.axes[axis] for axis in order)
    if axes[0] != 0:
        raise refused(node, "it moves the batch")
    drawing.streams[node.output[0]] = Stream(stream.node, axes)


def _reshape(drawing: Drawing, node: onnx.NodeProto) -> None:
    """Everything that only gives the values another shape, whatever the operator."""
    before, after = drawing.shape(node.input[0]), drawing.shape(node.output[0])
    if before == after:
        _same(drawing, node)
        return
    if after[:1] != before[:1]:
        raise refused(node, "it mixes the images of a batch")
    stream = drawing.stream(node)
    # Of axes with more than one value the order decides, of the others it does not.
    moved = [axis for place, axis in enumerate(stream.axes) if before[place] > 1]
    source = stream.node if moved == sorted(moved) else drawing.plain(node)
    if len(after) == 2:
        drawing.put(node, drawing.add("flatten", title(node), [source]))
        return
    name = drawing.add("reshape", title(node), [source], shape=after[1:])
    drawing.put(node, name)


def _global_pool(op: str) -> Operator:
    def read(drawing: Drawing, node: onnx.NodeProto) -> None:
        if len(drawing.shape(node.input[0])) != 4:
            raise refused(node, "it does not pool images")
        drawing.put(node, drawing.add(op, title(node), [drawing.plain(node)]))

    return read


def _reduction(op: str) -> Operator:
    """Return the reader of a mean or maximum, known over height and width only."""

    def read(drawing: Drawing, node: onnx.NodeProto) -> None:
        given = drawing.attributes(node)
        axes = given.get("axes")
        if axes is None:
            value = drawing.constant(node, 1)
            axes = [] if value is None else np.ravel(value).tolist()
        stream = drawing.stream(node)
        rank = len(stream.axes)
        over = {stream.axes[int(axis) % rank] for axis in axes}
        if rank != 4 or over != {2, 3}:
            raise refused(node, "it is not over height and width")
        name = drawing.add(op, title(node), [stream.node])
        if given.get("keepdims", 1):
            drawing.put(node, name, stream.axes)
        else:
            drawing.put(node, drawing.add("flatten", f"{title(node)}_flat", [name]))

    return read


def _concat(drawing: Drawing, node: onnx.NodeProto) -> None:
    streams = [drawing.stream(node, place) for place in range(len(node.input))]
    axes = streams[0].axes
    if any(one.axes != axes for one in streams):
        names = [drawing.plain(node, place) for place in range(len(node.input))]
        axes = tuple(range(len(axes)))
    else:
        names = [one.node for one in streams]
    axis = axes[int(drawing.attributes(node).get("axis", 1)) % len(axes)]
    if len(names) == 1:
        drawing.put(node, names[0], axes)
        return
    drawing.put(node, drawing.add("concat", title(node), names, axis=axis), axes)


def _arithmetic(op: str) -> Operator:
    """Return the reader of an operator of two tensors, one of which may be a constant."""

    def read(drawing: Drawing, node: onnx.NodeProto) -> None:
        if len(node.input) != 2:
            raise refused(node, f"it has {len(node.input)} inputs")
        moving = [name in drawing.streams for name in node.input]
        if all(moving):
            _two_streams(drawing, node, op)
        else:
            _with_constant(drawing, node, op, moving.index(True))

    return read


def _two_streams(drawing: Drawing, node: onnx.NodeProto, op: str) -> None:
    first, second = drawing.stream(node, 0), drawing.stream(node, 1)
    if first.axes != second.axes:
        names = [drawing.plain(node, 0), drawing.plain(node, 1)]
        drawing.put(node, drawing.add(op, title(node), names))
        return
    drawing.put(node, drawing.add(op, title(node), [first.node, second.node]), first.axes)


def _with_constant(drawing: Drawing, node: onnx.NodeProto, op: str, place: int) -> None:
    stream = drawing.stream(node, place)
    value = _in_our_order(drawing, node, drawing.required(node, 1 - place), stream)
    if drawing.shape(node.output[0]) != drawing.shape(node.input[place]):
        raise refused(node, "its constant is larger than its input")
    if op == "add" and _into_bias(drawing, node, stream, value, node.input[place]):
        return
    tensors: dict[str, Array] = {}
    if op == "div":
        if place == 1 or not np.all(value):
            raise refused(node, "it divides a constant, or by zero")
        tensors["scale"] = (1.0 / value.astype(np.float64)).astype(np.float32)
    elif op == "mul":
        tensors["scale"] = value
    elif op == "sub":
        tensors["shift"] = -value if place == 0 else value
        if place == 1:
            tensors["scale"] = np.full((1,) * value.ndim, -1.0, np.float32)
    else:
        tensors["shift"] = value
    shapes: dict[str, Any] = {key: one.shape for key, one in tensors.items()}
    name = drawing.add("affine", title(node), [stream.node], tensors, **shapes)
    drawing.put(node, name, stream.axes)


def _in_our_order(drawing: Drawing, node: onnx.NodeProto, value: Array, stream: Stream) -> Array:
    """Return a constant with the axes of the network's tensor, batch axis first."""
    rank = len(stream.axes)
    if value.ndim > rank:
        raise refused(node, "its constant has more axes than its input")
    full = value.reshape((1,) * (rank - value.ndim) + value.shape)
    if full.shape[0] != 1:
        raise refused(node, "its constant differs from image to image")
    return np.ascontiguousarray(np.transpose(full, np.argsort(stream.axes)))


def _into_bias(
    drawing: Drawing, node: onnx.NodeProto, stream: Stream, value: Array, name: str
) -> bool:
    """Make a constant for each channel the bias of the layer before, if that has none."""
    layer = drawing.nodes.get(stream.node)
    if layer is None or layer.op not in {"conv", "linear"} or layer.attributes["bias"]:
        return False
    channels = int(layer.attributes["out"])
    if value.size not in {1, channels} or value.size != value.shape[1]:
        return False
    if not drawing.is_used_once(stream.node, name):
        return False
    bias = np.broadcast_to(value.reshape(-1), (channels,))
    drawing.tensors[layer.name]["bias"] = np.ascontiguousarray(bias)
    drawing.change(layer.name, bias=True)
    drawing.put(node, layer.name, stream.axes)
    return True


OPERATORS: dict[str, Operator] = {
    "Conv": conv,
    "MaxPool": max_pool,
    "AveragePool": avg_pool,
    "Pad": pad,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "LRN": _lrn,
    "Relu": _activation("relu"),
    "LeakyRelu": _activation("leaky_relu", slope=("alpha", 0.01)),
    "Elu": _activation("elu", alpha=("alpha", 1.0)),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "HardSigmoid": _activation("hard_sigmoid", alpha=("alpha", 0.2), beta=("beta", 0.5)),
    "HardSwish": _activation("hard_swish"),
    "PRelu": _prelu,
    "Clip": _clip,
    "Dropout": _dropout,
    "Softmax": _softmax,
    "Identity": _same,
    "Cast": _same,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "GlobalAveragePool": _global_pool("global_avg_pool"),
    "GlobalMaxPool": _global_pool("global_max_pool"),
    "ReduceMean": _reduction("global_avg_pool"),
    "ReduceMax": _reduction("global_max_pool"),
    "Concat": _concat,
    "Add": _arithmetic("add"),
    "Sub": _arithmetic("sub"),
    "Mul": _arithmetic("mul"),
    "Div": _arithmetic("div"),
}
"""Readers of ONNX operators."""
