"""Linear layers with binary weights as graphs that keep them at four bits per weight.

ONNX Runtime and OpenVINO both have kernels for the operator ``MatMulNBits``: weights stay packed
in memory, inputs stay float. Nothing is rounded: the values of a two-valued filter are the codes 7
and 9 around a zero of 8, times the filter's magnitude. Inputs of 8 bits would be faster still, and
wrong by up to 1 % of the largest output; who wants that speed has the packed engine, which is
faster and closer.

References
----------
.. [1] ONNX Runtime, "Contrib operators", com.microsoft.MatMulNBits.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import nn
from torch.nn import functional

from emostudio.inference.layer_spec import binary_scales, takes_binary_weights

_BITS = 4  # two would be smaller, but not every processor has fast kernels for them
_ZERO = 8
_BLOCK = 64
_FLOAT_INPUTS = 1


class FewBitLinear(nn.Module):
    """A linear layer with binary weights in ONNX; inputs (N, C_in), outputs (N, C_out).

    Parameters
    ----------
    layer
        `has_few_bits` is true of it.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        scales = binary_scales(layer.weight)
        if scales is None:
            raise ValueError("The weights are not binary")
        self.shape = (layer.out_features, layer.in_features)
        blocks = -(-layer.in_features // _BLOCK)
        codes = torch.where(layer.weight.detach() < 0, _ZERO - 1, _ZERO + 1).to(torch.uint8)
        padding = blocks * _BLOCK - layer.in_features
        codes = functional.pad(codes, (0, padding), value=_ZERO)
        packed = codes[:, ::2] | (codes[:, 1::2] << _BITS)
        self.register_buffer("codes", packed.reshape(len(codes), blocks, _BLOCK * _BITS // 8))
        self.register_buffer("scales", scales.float().repeat_interleave(blocks))
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the layer's output; for export only."""
        outputs, inputs = self.shape
        attributes: dict[str, Any] = {
            "K": inputs,
            "N": outputs,
            "bits": _BITS,
            "block_size": _BLOCK,
            "accuracy_level": _FLOAT_INPUTS,
        }
        # Without zero points the operator takes the middle code, 8, for zero.
        product: torch.Tensor = torch.onnx.ops.symbolic(
            "com.microsoft::MatMulNBits",
            (features, self.get_buffer("codes"), self.get_buffer("scales")),
            attributes,
            dtype=torch.float32,
            shape=(features.shape[0], outputs),
            version=1,
        )
        return product if self.bias is None else product + self.bias


def has_few_bits(layer: nn.Module) -> TypeGuard[nn.Linear]:
    """Whether a layer becomes `FewBitLinear` for engines with kernels for it."""
    return isinstance(layer, nn.Linear) and takes_binary_weights(layer)
