"""Layers that compute with a tensor train instead of a matrix or kernel."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from emostudio.compression.surgery import WeightHolder
from emostudio.compression.tensor_train import (
    TrainShape,
    contract,
    core_deviation,
    dense_matrix,
    dense_tensor,
)

KernelMode: TypeAlias = Literal["factored", "materialise"]

_CHUNK = 64
"""Pictures at a time: states between cores are several times larger than the input."""


class TrainCore(WeightHolder):
    """One core, (r_{k-1}, m_k, n_k, r_k); the layer that holds it does the arithmetic."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))


class _TrainLayer(nn.Module):
    """Base of layers with cores and a bias."""

    bias: nn.Parameter | None

    def __init__(self, shape: TrainShape, *, bias: bool) -> None:
        super().__init__()
        self.train_shape = shape
        self.cores = nn.ModuleList([TrainCore(core) for core in shape.cores])
        made = nn.Parameter(torch.empty(math.prod(shape.out_modes))) if bias else None
        self.register_parameter("bias", made)

    def core_weights(self) -> list[torch.Tensor]:
        """Return the cores in order."""
        return [core.weight for core in self.cores if isinstance(core, TrainCore)]

    def fill(self, cores: list[NDArray[np.float64]]) -> None:
        """Give the cores their values."""
        with torch.no_grad():
            for core, values in zip(self.cores, cores, strict=True):
                core.get_parameter("weight").copy_(torch.from_numpy(np.ascontiguousarray(values)))

    def draw(self, fan_in: int, generator: torch.Generator) -> None:
        """Draw cores that give the matrix a variance of 2 / fan_in, and zero the bias."""
        deviation = core_deviation(self.train_shape, fan_in)
        with torch.no_grad():
            for core in self.cores:
                weight = core.get_parameter("weight")
                weight.copy_(torch.randn(weight.shape, generator=generator) * deviation)
            if self.bias is not None:
                self.get_parameter("bias").zero_()


class TrainLinear(_TrainLayer):
    """A fully connected layer whose matrix is a tensor train; the matrix is never built.

    Parameters
    ----------
    shape
        Of the train.
    bias
        Whether there is one.
    """

    kind = "tensor train"

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, I) to (N, O)."""
        cores = self.core_weights()
        parts = (features,) if torch.compiler.is_exporting() else torch.split(features, _CHUNK)
        answers = torch.cat([contract(part.unsqueeze(1), cores) for part in parts])
        return answers if self.bias is None else answers + self.bias

    def mac_count(self, output_shape: tuple[int, ...]) -> int:
        """Return the multiply-adds of all cores."""
        del output_shape
        return self.train_shape.mac_count

    def matrix(self) -> torch.Tensor:
        """Return the dense matrix, (O, I)."""
        return dense_matrix(self.core_weights())


class TrainConv2d(_TrainLayer):
    """A convolution whose kernel is a train: spatial filters first, then cores over channels.

    Parameters
    ----------
    layer
        The convolution it stands for; only its geometry is used.
    shape
        Of the train over channels; r_0 is the number of spatial filters.
    mode
        ``factored`` applies the filters to every channel and then the train; ``materialise``
        builds the kernel and runs an ordinary convolution.
    """

    kind = "tensor train conv"

    def __init__(self, layer: nn.Conv2d, shape: TrainShape, mode: KernelMode) -> None:
        super().__init__(shape, bias=layer.bias is not None)
        height, width = int(layer.kernel_size[0]), int(layer.kernel_size[1])
        self.spatial = TrainCore((height * width, shape.ranks[0]))
        self.kernel_size = (height, width)
        self.stride, self.padding = _pair(layer.stride), _pair(layer.padding)
        self.dilation, self.mode = _pair(layer.dilation), mode

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H', W')."""
        if self.mode == "materialise":
            kernel = self.kernel()
            return F.conv2d(features, kernel, self.bias, self.stride, self.padding, self.dilation)
        answers = self._factored(features)
        return answers if self.bias is None else answers + self.bias.view(-1, 1, 1)

    def _factored(self, features: torch.Tensor) -> torch.Tensor:
        count, channels = features.shape[:2]
        rank = self.train_shape.ranks[0]
        filters = self.spatial.weight.T.reshape(rank, 1, *self.kernel_size)
        planes = features.reshape(count * channels, 1, *features.shape[2:])
        maps = F.conv2d(planes, filters, None, self.stride, self.padding, self.dilation)
        height, width = maps.shape[2:]
        states = maps.reshape(count, channels, rank, height, width).permute(0, 3, 4, 2, 1)
        states = states.reshape(count * height * width, rank, channels)
        answers = contract(states, self.core_weights())
        return answers.reshape(count, height, width, -1).permute(0, 3, 1, 2)

    def kernel(self) -> torch.Tensor:
        """Return the dense kernel, (C_out, C_in, kH, kW)."""
        whole = dense_tensor(self.core_weights())
        kernel = torch.einsum("kr,roi->oik", self.spatial.weight, whole)
        return kernel.reshape(*kernel.shape[:2], *self.kernel_size)

    def mac_count(self, output_shape: tuple[int, ...]) -> int:
        """Return the multiply-adds for one input, by how it runs."""
        places = math.prod(output_shape[1:])
        channels = math.prod(self.train_shape.in_modes)
        spatial = math.prod(self.kernel_size)
        if self.mode == "materialise":
            return places * output_shape[0] * channels * spatial
        rank = self.train_shape.ranks[0]
        return places * (channels * spatial * rank + self.train_shape.mac_count)

    def draw(self, fan_in: int, generator: torch.Generator) -> None:
        """Draw filters and cores that give the kernel a variance of 2 / fan_in."""
        super().draw(fan_in, generator)
        with torch.no_grad():
            drawn = torch.randn(self.spatial.weight.shape, generator=generator)
            self.spatial.weight.copy_(drawn)


def _pair(sides: Any) -> tuple[int, int]:
    """Return what torch types as a tuple of any length, or a word, as two numbers."""
    return (int(sides[0]), int(sides[1]))
