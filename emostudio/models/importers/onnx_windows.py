"""ONNX operators with windows: convolutions, poolings and padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from emostudio.models.importers.onnx_drawing import Drawing, refused, title

Pads = tuple[int, int, int, int]
"""Padding of images as (left, right, top, bottom)."""


def conv(drawing: Drawing, node: onnx.NodeProto) -> None:
    """Convolution, grouped and depthwise too; uneven padding becomes a layer of its own."""
    given = drawing.attributes(node)
    weight = drawing.required(node, 1)
    if weight.ndim != 4:
        raise refused(node, f"its weight has {weight.ndim} dimensions")
    bias = drawing.constant(node, 2)
    kernel = tuple(weight.shape[2:])
    geometry = _geometry(drawing, node, given, kernel)
    source, padding = _padded(drawing, node, geometry["pads"], value=0.0)
    tensors = {"weight": weight}
    if bias is not None:
        tensors["bias"] = drawing.required(node, 2)
    name = drawing.add(
        "conv",
        title(node),
        [source],
        tensors,
        out=weight.shape[0],
        kernel=kernel,
        stride=geometry["stride"],
        padding=padding,
        dilation=geometry["dilation"],
        groups=int(given.get("group", 1)),
        bias=bias is not None,
    )
    drawing.put(node, name)


def max_pool(drawing: Drawing, node: onnx.NodeProto) -> None:
    """Maximum over windows; padding never is the maximum."""
    given = drawing.attributes(node)
    if len([name for name in node.output if name]) > 1:
        raise refused(node, "it gives indices")
    kernel = _kernel(node, given)
    geometry = _geometry(drawing, node, given, kernel)
    source, padding = _padded(drawing, node, geometry["pads"], value=None, kernel=kernel)
    name = drawing.add(
        "max_pool",
        title(node),
        [source],
        kernel=kernel,
        stride=geometry["stride"],
        padding=padding,
        dilation=geometry["dilation"],
        ceil=bool(given.get("ceil_mode", 0)),
    )
    drawing.put(node, name)


def avg_pool(drawing: Drawing, node: onnx.NodeProto) -> None:
    """Mean over windows, of the pixels inside the image or of all."""
    given = drawing.attributes(node)
    kernel = _kernel(node, given)
    geometry = _geometry(drawing, node, given, kernel)
    if geometry["dilation"] != (1, 1):
        raise refused(node, "its windows have gaps")
    counts_padding = bool(given.get("count_include_pad", 0))
    left, right, top, bottom = geometry["pads"]
    even = left == right <= kernel[1] // 2 and top == bottom <= kernel[0] // 2
    extra: dict[str, Any] = {}
    if even:
        source, padding = drawing.plain(node), (top, left)
        extra = {"ceil": bool(given.get("ceil_mode", 0)), "count_padding": counts_padding}
    elif given.get("ceil_mode", 0):
        raise refused(node, "its padding is uneven and partial windows count")
    elif counts_padding:
        source, padding = _padded(drawing, node, geometry["pads"], value=0.0, kernel=kernel)
        extra = {"count_padding": True}
    else:
        source, padding, extra = drawing.plain(node), (0, 0), {"pads": geometry["pads"]}
    name = drawing.add(
        "avg_pool",
        title(node),
        [source],
        kernel=kernel,
        stride=geometry["stride"],
        padding=padding,
        **extra,
    )
    drawing.put(node, name)


def pad(drawing: Drawing, node: onnx.NodeProto) -> None:
    """Constant padding of height and width."""
    given = drawing.attributes(node)
    if given.get("mode", "constant") != "constant" or drawing.constant(node, 3) is not None:
        raise refused(node, "only constant padding of all axes is known")
    pads = given.get("pads")
    if pads is None:
        pads = drawing.required(node, 1).astype(np.int64).reshape(-1).tolist()
    value = drawing.constant(node, 2)
    number = float(given.get("value", 0.0)) if value is None else float(np.ravel(value)[0])
    stream = drawing.stream(node)
    rank = len(stream.axes)
    if len(pads) != 2 * rank or min(pads) < 0:
        raise refused(node, "its padding is not two widths for each axis")
    begin, end = [0] * rank, [0] * rank
    for axis, target in enumerate(stream.axes):
        begin[target], end[target] = int(pads[axis]), int(pads[axis + rank])
    if not any(pads):
        drawing.streams[node.output[0]] = stream
        return
    if rank != 4 or any(begin[:2]) or any(end[:2]):
        raise refused(node, "it pads more than height and width")
    widths = (begin[3], end[3], begin[2], end[2])
    name = drawing.add("pad", title(node), [stream.node], pads=widths, value=number)
    drawing.put(node, name, stream.axes)


def _kernel(node: onnx.NodeProto, given: dict[str, Any]) -> tuple[int, int]:
    kernel = given.get("kernel_shape", ())
    if len(kernel) != 2:
        raise refused(node, "its windows are not two-dimensional")
    return (int(kernel[0]), int(kernel[1]))


def _geometry(
    drawing: Drawing, node: onnx.NodeProto, given: dict[str, Any], kernel: tuple[int, ...]
) -> dict[str, Any]:
    stride = tuple(given.get("strides", (1, 1)))
    dilation = tuple(given.get("dilations", (1, 1)))
    if len(stride) != 2 or len(dilation) != 2 or min(*stride, *dilation) < 1:
        raise refused(node, "its strides or dilations are not pairs of numbers above zero")
    mode = given.get("auto_pad", "NOTSET")
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        sides = drawing.shape(node.input[0])[2:]
        pads: Pads = (0, 0, 0, 0)
        amounts = []
        for side, window, step, gap in zip(sides, kernel, stride, dilation, strict=True):
            reach = (window - 1) * gap + 1
            total = max((-(-side // step) - 1) * step + reach - side, 0)
            less = total // 2
            amounts.append((less, total - less) if mode == "SAME_UPPER" else (total - less, less))
        pads = (*amounts[1], *amounts[0])
    else:
        given_pads = [int(one) for one in given.get("pads", (0, 0, 0, 0))]
        if len(given_pads) != 4 or min(given_pads) < 0:
            raise refused(node, "its padding is not four widths")
        top, left, bottom, right = (0, 0, 0, 0) if mode == "VALID" else given_pads
        pads = (left, right, top, bottom)
    return {"stride": stride, "dilation": dilation, "pads": pads}


def _padded(
    drawing: Drawing,
    node: onnx.NodeProto,
    pads: Pads,
    value: float | None,
    kernel: tuple[int, ...] | None = None,
) -> tuple[str, tuple[int, int]]:
    """Return the input, with a layer for padding the operator itself cannot do, and the rest.

    Poolings, which give their `kernel`, take no more than half of it.
    """
    source = drawing.plain(node)
    left, right, top, bottom = pads
    if left == right and top == bottom:
        fits = kernel is None or (top <= kernel[0] // 2 and left <= kernel[1] // 2)
        if fits:
            return source, (top, left)
    attributes: dict[str, Any] = {"lowest": True} if value is None else {"value": value}
    return drawing.add("pad", f"{title(node)}_pad", [source], pads=pads, **attributes), (0, 0)
