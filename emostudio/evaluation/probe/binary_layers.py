"""A convolution on signs, as a binary network has it, for the packed engine to time."""

from __future__ import annotations

import torch
from torch import nn

from emostudio.evaluation.probe.workloads import binary_values
from emostudio.inference.layer_spec import SignLayerSpec


class SignConvolution(nn.Module):
    """The sign of the input, then a 3x3 convolution with binary weights that keeps the geometry.

    Parameters
    ----------
    channels
        Going in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(channels, channels, 3, padding=1)
        self.layer.weight = nn.Parameter(binary_values((channels, channels, 3, 3)))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the kernel does, in float."""
        signs = torch.where(values >= 0, 1.0, -1.0)
        outputs: torch.Tensor = self.layer(signs)
        return outputs

    def packed_spec(self) -> SignLayerSpec:
        """Return the layer in numbers: plain signs and nothing around."""
        ones, zeros = torch.ones(len(self.layer.weight)), torch.zeros(len(self.layer.weight))
        return SignLayerSpec(
            layer=self.layer, input_scale=ones, input_shift=zeros, surround=(0, 0),
            input_scaling=False, scale=ones, shift=zeros, shortcut=None, slope=ones, post=zeros,
        )  # fmt: skip
