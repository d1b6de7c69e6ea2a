"""Convolutions on 8-bit integers as an ONNX graph, written as exported INT8 variants are.

Values are quantised and dequantised around every layer; ONNX Runtime fuses that into integer
kernels, as it does for a variant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from emostudio.evaluation.layer_timing import Shape

_OPSET, _IR_VERSION = 18, 9
_KERNEL = 3
_SEED = 0
_STEP = np.float32(0.03)
_WEIGHT_STEP = np.float32(0.002)


def int8_chain(layers: int, input_shape: Shape) -> bytes:
    """Return 3x3 convolutions that keep the geometry, codes of 8 bits in between, batch 1.

    Parameters
    ----------
    layers
        How many, one after another.
    input_shape
        (C, H, W) of the float32 input and output.
    """
    constants = _shared_constants()
    nodes: list[Any] = []
    value = _rounded("input", "given", nodes)
    for number in range(layers):
        constants += _layer_constants(number, input_shape[0])
        value = _convolved(value, number, nodes)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *input_shape])
        for name in ("input", value)
    ]
    graph = helper.make_graph(nodes, "integers", ends[:1], ends[1:], constants)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    content: bytes = model.SerializeToString()
    return content


def _rounded(value: str, name: str, nodes: list[Any]) -> str:
    nodes.append(helper.make_node("QuantizeLinear", [value, "step", "zero"], [f"{name}_codes"]))
    codes = [f"{name}_codes", "step", "zero"]
    nodes.append(helper.make_node("DequantizeLinear", codes, [f"{name}_values"]))
    return f"{name}_values"


def _convolved(value: str, number: int, nodes: list[Any]) -> str:
    for part in ("weight", "bias"):
        inputs = [f"{part}{number}", f"{part}_steps{number}"]
        nodes.append(
            helper.make_node("DequantizeLinear", inputs, [f"{part}_values{number}"], axis=0)
        )
    inputs = [value, f"weight_values{number}", f"bias_values{number}"]
    sides = {"kernel_shape": [_KERNEL] * 2, "pads": [_KERNEL // 2] * 4}
    nodes.append(helper.make_node("Conv", inputs, [f"sums{number}"], **sides))
    return _rounded(f"sums{number}", f"layer{number}", nodes)


def _shared_constants() -> list[Any]:
    return [
        numpy_helper.from_array(np.array(_STEP), "step"),
        numpy_helper.from_array(np.array(128, np.uint8), "zero"),
    ]


def _layer_constants(number: int, channels: int) -> list[Any]:
    generator = np.random.default_rng(_SEED + number)
    codes = generator.integers(-127, 128, (channels, channels, _KERNEL, _KERNEL), dtype=np.int8)
    steps = np.full(channels, _WEIGHT_STEP, np.float32)
    named = {
        "weight": codes,
        "weight_steps": steps,
        "bias": np.zeros(channels, np.int32),
        "bias_steps": steps * _STEP,
    }
    return [numpy_helper.from_array(array, f"{name}{number}") for name, array in named.items()]
