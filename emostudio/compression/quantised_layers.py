"""Convolutions and linear layers on 8-bit integers: imitated in torch, real in ONNX Runtime.

The input becomes x = s (q - z) with q in 0..255, weights are codes times a scale per output
channel, the bias is a whole multiple of both scales. Where the values meet other quantised layers
the output is rounded to their scale at once; with a zero point of 0 that includes the ReLU.

References
----------
.. [1] Jacob et al., "Quantization and training of neural networks for efficient
   integer-arithmetic-only inference", CVPR 2018, arXiv:1712.05877.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from emostudio.compression.coding.int8 import exact_scales, largest_code
from emostudio.core.errors import InputError

_LEVELS = 255
_FINEST = 1e-12
_MOST_BIAS = 2**31 - 1


def affine(low: float, high: float) -> tuple[float, int]:
    """Return scale and zero point of uint8 codes for values from `low` to `high`.

    The range is widened to hold zero, which is then a code of its own: padding stays exact.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max((high - low) / _LEVELS, _FINEST)))
    return scale, int(np.clip(np.rint(-low / scale), 0, _LEVELS))


def fake_quantise(
    values: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor
) -> torch.Tensor:
    """Round values to the grid of uint8 codes, as floats of the same shape."""
    return (codes_of(values, scale, zero_point) - zero_point) * scale


def codes_of(values: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor) -> torch.Tensor:
    """Return the codes 0..255 of values, as floats of the same shape."""
    return torch.clamp(torch.round(values / scale) + zero_point, 0, _LEVELS)


class _Quantised(nn.Module):
    """What both kinds of layer share; the buffers have shape (1,)."""

    simulated_kernels = True
    # packed leaves them to ONNX Runtime
    real_kernels_on = frozenset({"onnxruntime", "openvino", "packed"})

    weight: Any  # from the convolution or linear layer that is the other base
    bias: Any
    input_scale: torch.Tensor
    input_zero_point: torch.Tensor
    output_scale: torch.Tensor
    output_zero_point: torch.Tensor
    bit_width: int
    rounds_output: bool

    def add_grids(self, bit_width: int, *, rounds_output: bool) -> None:
        """Register scales and zero points, to be filled by calibration or from a file."""
        self.bit_width, self.rounds_output = bit_width, rounds_output
        for side in ("input", "output") if rounds_output else ("input",):
            self.register_buffer(f"{side}_scale", torch.ones(1))
            self.register_buffer(f"{side}_zero_point", torch.zeros(1, dtype=torch.uint8))

    def set_grid(self, side: str, grid: tuple[float, int]) -> None:
        """Fill in scale and zero point of ``input`` or ``output``."""
        self.get_buffer(f"{side}_scale").fill_(grid[0])
        self.get_buffer(f"{side}_zero_point").fill_(grid[1])

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        """Take values from a file, after checking its scales.

        Raises
        ------
        InputError
            If a scale is not finite or not positive.
        """
        for side in ("input", "output") if self.rounds_output else ("input",):
            scale = state_dict.get(f"{prefix}{side}_scale")
            if scale is not None and not (scale.isfinite() & (scale > 0)).all():
                raise InputError(
                    f"The INT8 layer {prefix.rstrip('.')} is damaged",
                    why=f"the scale of its {side} is {scale.tolist()}",
                    next_step="Get a fresh copy of the file",
                )
        super()._load_from_state_dict(state_dict, prefix, *others)

    def weight_scales(self) -> torch.Tensor:
        """Return the scale of each output channel, (C_out,), to the bit as in the file."""
        values = self.weight.detach().cpu().flatten(1).abs().amax(dim=1).numpy()
        return torch.from_numpy(exact_scales(values, self.bit_width))

    def weight_codes(self) -> torch.Tensor:
        """Return the weights as int8 codes, in their shape."""
        scales = self.weight_scales().view(-1, *[1] * (self.weight.ndim - 1))
        most = largest_code(self.bit_width)
        return torch.round(self.weight.detach().cpu() / scales).clamp(-most, most).to(torch.int8)

    def bias_scales(self) -> torch.Tensor:
        """Return s_x s_c, shape (C_out,)."""
        return self.weight_scales() * self.input_scale.cpu()

    def bias_codes(self) -> torch.Tensor:
        """Return the bias as int32 codes at `bias_scales`; zeros without a bias."""
        scales = self.bias_scales().double()
        if self.bias is None:
            return torch.zeros(len(scales), dtype=torch.int32)
        codes = torch.round(self.bias.detach().cpu().double() / scales)
        return codes.clamp(-_MOST_BIAS, _MOST_BIAS).to(torch.int32)

    def round_bias(self) -> None:
        """Put the bias on the grid of the integer accumulator, in place."""
        if self.bias is not None:
            with torch.no_grad():
                self.bias.copy_(self.bias_codes().double() * self.bias_scales().double())

    def product(
        self, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the layer's product of `features` and `weight`, plus `bias`."""
        raise NotImplementedError

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return what an integer kernel returns, to the rounding of float32 sums."""
        zero_point = self.input_zero_point.to(features.dtype)
        quantised = fake_quantise(features, self.input_scale, zero_point)
        product = self.product(quantised, self.weight, self.bias)
        if not self.rounds_output:
            return product
        return fake_quantise(product, self.output_scale, self.output_zero_point.to(product.dtype))

    def exported(self) -> nn.Module:
        """Return the layer as ONNX quantise and dequantise nodes, which fuse to integer kernels."""
        return _OnnxQuantised(self)


class QuantisedConv2d(_Quantised, nn.Conv2d):
    """Convolution on 8-bit integers."""

    def product(
        self, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the convolution of (N, C, H, W)."""
        return functional.conv2d(
            features, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )


class QuantisedLinear(_Quantised, nn.Linear):
    """Linear layer on 8-bit integers."""

    def product(
        self, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the product for (N, C)."""
        return functional.linear(features, weight, bias)


QuantisedLayer = QuantisedConv2d | QuantisedLinear


def quantised_layer(
    layer: nn.Module, bit_width: int, *, bias: bool, rounds_output: bool
) -> QuantisedLayer:
    """Return the integer layer of the geometry of `layer`, its values still to be set.

    Raises
    ------
    InputError
        If `layer` is neither a convolution nor fully connected, as in a forged file.
    """
    new: QuantisedLayer
    if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros":
        new = QuantisedConv2d(
            layer.in_channels,
            layer.out_channels,
            (layer.kernel_size[0], layer.kernel_size[1]),
            (layer.stride[0], layer.stride[1]),
            layer.padding,  # type: ignore[arg-type]  # a name or two numbers, as it came
            (layer.dilation[0], layer.dilation[1]),
            groups=layer.groups,
            bias=bias,
        )
    elif isinstance(layer, nn.Linear):
        new = QuantisedLinear(layer.in_features, layer.out_features, bias=bias)
    else:
        raise InputError(
            "An INT8 layer cannot be rebuilt",
            why=f"{type(layer).__name__} is neither a plain convolution nor fully connected",
            next_step="Get a fresh copy of the file",
        )
    new.add_grids(bit_width, rounds_output=rounds_output)
    return new


class _OnnxQuantised(nn.Module):
    """The same layer spelt out in ONNX operators.

    Linear layers become a matrix product and a sum, which ONNX Runtime turns into its integer
    kernel QGemm.
    """

    def __init__(self, layer: _Quantised) -> None:
        super().__init__()
        self.layer, self.is_linear = layer, layer.weight.ndim == 2
        codes = layer.weight_codes()
        self.register_buffer("codes", codes.T.contiguous() if self.is_linear else codes)
        self.register_buffer("scales", layer.weight_scales())
        self.register_buffer("zeros", torch.zeros(len(layer.weight), dtype=torch.int8))
        self.register_buffer("bias_codes", layer.bias_codes())
        self.register_buffer("bias_scales", layer.bias_scales())
        self.register_buffer("bias_zeros", torch.zeros(len(layer.weight), dtype=torch.int32))
        for side in ("input", "output") if layer.rounds_output else ("input",):
            self.register_buffer(f"{side}_scale", layer.get_buffer(f"{side}_scale")[0].clone())
            zero_point = layer.get_buffer(f"{side}_zero_point")[0].clone()
            self.register_buffer(f"{side}_zero_point", zero_point)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the layer's output as floats."""
        rounded = self._rounded(features, "input")
        weight = self._dequantised("codes", "scales", "zeros", axis=int(self.is_linear))
        bias = self._dequantised("bias_codes", "bias_scales", "bias_zeros", axis=0)
        if self.is_linear:
            product = torch.matmul(rounded, weight) + bias
        else:
            product = self.layer.product(rounded, weight, bias)
        return self._rounded(product, "output") if self.layer.rounds_output else product

    def _dequantised(self, codes: str, scales: str, zeros: str, axis: int) -> torch.Tensor:
        parts = (self.get_buffer(codes), self.get_buffer(scales), self.get_buffer(zeros))
        return _dequantise(*parts, axis)

    def _rounded(self, values: torch.Tensor, side: str) -> torch.Tensor:
        scale, zero_point = self.get_buffer(f"{side}_scale"), self.get_buffer(f"{side}_zero_point")
        codes: torch.Tensor = torch.onnx.ops.symbolic(
            "QuantizeLinear",
            (values, scale, zero_point),
            dtype=torch.uint8,
            shape=values.shape,
            version=18,
        )
        return _dequantise(codes, scale, zero_point)


def _dequantise(
    codes: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor, axis: int = 1
) -> torch.Tensor:
    values: torch.Tensor = torch.onnx.ops.symbolic(
        "DequantizeLinear",
        (codes, scale, zero_point),
        {"axis": axis},
        dtype=torch.float32,
        shape=codes.shape,
        version=18,
    )
    return values
