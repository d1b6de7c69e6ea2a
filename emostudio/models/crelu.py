"""Concatenated rectifiers and the blocks of PVANet built from them.

References
----------
.. [1] Shang et al., "Understanding and improving convolutional neural networks via concatenated
   rectified linear units", ICML 2016.
.. [2] Kim et al., "PVANET: deep but lightweight neural networks for real-time object detection",
   arXiv:1608.08021, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class PairedConv2d(nn.Conv2d):
    """A convolution whose channel i is used a second time, negated, as channel i + n.

    Attributes
    ----------
    paired_channels
        Channels cannot be removed one by one: both halves of a pair go together.
    """

    paired_channels = True


class ChannelScale(nn.Module):
    """Multiplies each channel by a factor and adds a shift.

    Parameters
    ----------
    channels
        Of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to the same shape."""
        return features * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class CRelu(nn.Module):
    """Convolution, normalisation, ReLU of the result and of its negative side by side.

    The normalisation stands before the negation and has no factors of its own, so both halves
    get theirs from `scale`: z = cat(y, -y), output = ReLU(scale * z + shift).

    Parameters
    ----------
    channels_in
        Channels of the input.
    filters
        Filters n; the output has 2n channels.
    kernel, stride
        Of the convolution, padded by half its kernel.
    bias
        Whether the convolution has a bias.
    """

    def __init__(
        self, channels_in: int, filters: int, kernel: int, *, stride: int = 1, bias: bool
    ) -> None:
        super().__init__()
        self.conv = PairedConv2d(
            channels_in, filters, kernel, stride=stride, padding=kernel // 2, bias=bias
        )
        self.bn = nn.BatchNorm2d(filters, affine=False)
        self.scale = ChannelScale(2 * filters)
        self.relu = nn.ReLU()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, 2 * filters, H / stride, W / stride)."""
        half = self.bn(self.conv(features))
        rectified: torch.Tensor = self.relu(self.scale(torch.cat((half, -half), dim=1)))
        return rectified


class MCRelu(nn.Module):
    """1x1, a 3x3 C.ReLU and 1x1 beside a shortcut.

    Parameters
    ----------
    channels_in
        Channels of the input.
    widths
        Channels of the three convolutions (a, b, c); the C.ReLU gives 2b.
    stride
        Of the first convolution and of the shortcut.
    activated
        Whether normalisation and ReLU come before the first convolution.
    """

    def __init__(
        self, channels_in: int, widths: tuple[int, int, int], *, stride: int, activated: bool
    ) -> None:
        super().__init__()
        reduced, filters, channels = widths
        self.before = _normalised_relu(channels_in) if activated else nn.Identity()
        self.reduce = nn.Conv2d(channels_in, reduced, 1, stride=stride)
        self.reduce_bn = nn.BatchNorm2d(reduced)
        self.reduce_relu = nn.ReLU()
        self.crelu = CRelu(reduced, filters, 3, bias=True)
        self.expand = nn.Conv2d(2 * filters, channels, 1)
        self.shortcut = _shortcut(channels_in, channels, stride)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, c, H / stride, W / stride)."""
        reduced = self.reduce_relu(self.reduce_bn(self.reduce(self.before(features))))
        summed: torch.Tensor = self.expand(self.crelu(reduced)) + self.shortcut(features)
        return summed


class Inception(nn.Module):
    """Convolutions of several widths of view side by side, then 1x1, beside a shortcut.

    Parameters
    ----------
    channels_in, channels
        Channels of the input and of the output.
    branches
        Channels along each branch: its first convolution is 1x1, those after it 3x3.
    pool
        Channels of the pooled branch; 0 leaves it out and keeps the map's size, else the block
        halves it.
    """

    def __init__(
        self, channels_in: int, branches: Sequence[Sequence[int]], channels: int, *, pool: int = 0
    ) -> None:
        super().__init__()
        stride = 2 if pool else 1
        self.before = _normalised_relu(channels_in)
        self.branches = nn.ModuleList(
            _branch(channels_in, widths, stride=stride) for widths in branches
        )
        joined = sum(widths[-1] for widths in branches) + pool
        if pool:
            pooled = nn.MaxPool2d(3, stride=2, padding=1)
            self.branches.append(nn.Sequential(pooled, *_branch(channels_in, (pool,), stride=1)))
        self.out = nn.Conv2d(joined, channels, 1)
        self.shortcut = _shortcut(channels_in, channels, stride)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, channels, H / stride, W / stride)."""
        activated = self.before(features)
        joined = torch.cat([branch(activated) for branch in self.branches], dim=1)
        summed: torch.Tensor = self.out(joined) + self.shortcut(features)
        return summed


def _branch(channels_in: int, widths: Sequence[int], *, stride: int) -> nn.Sequential:
    """Return 1x1, 3x3, 3x3 and so on, each with normalisation and ReLU; the 1x1 strides."""
    layers: list[nn.Module] = []
    for place, width in enumerate(widths):
        kernel = 3 if place else 1
        layers += [
            nn.Conv2d(
                channels_in,
                width,
                kernel,
                stride=1 if place else stride,
                padding=kernel // 2,
                bias=False,
            ),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        channels_in = width
    return nn.Sequential(*layers)


def _normalised_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


def _shortcut(channels_in: int, channels: int, stride: int) -> nn.Module:
    if channels_in == channels and stride == 1:
        return nn.Identity()
    return nn.Conv2d(channels_in, channels, 1, stride=stride)
