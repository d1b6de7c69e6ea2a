"""Fire modules and the SqueezeNet trunk they make up."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from emostudio.core.settings import setting
from emostudio.models.base import ArchitectureSettings


class SqueezeNetSettings(ArchitectureSettings):
    """Settings of both SqueezeNets."""

    stem_stride: int = setting(
        2,
        title="Stem stride",
        help="Step of the first convolution; 1 keeps more detail of faces of 48 to 64 px.",
        low=1,
        high=2,
    )
    bn: bool = setting(
        False,
        title="Batch normalisation",
        help="Normalise after every convolution but the last; trains faster and more surely.",
    )
    legacy_relu10: bool = setting(
        False,
        title="ReLU after conv10",
        help="The original's rectified logits, only for parity: training may never start.",
        advanced=True,
    )
    dropout: float = setting(
        0.5, title="Dropout", help="Share of features dropped before conv10.", low=0.0, high=0.9
    )


class Fire(nn.Module):
    """Squeeze to few channels with 1x1, then expand with 1x1 and 3x3 side by side.

    Parameters
    ----------
    channels_in
        Channels of the input.
    squeeze
        Channels after the squeeze.
    expand
        Channels of each of the two expansions; the output has twice as many.
    bn
        Whether each convolution is followed by batch normalisation.

    References
    ----------
    .. [1] Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
       <0.5MB model size", arXiv:1602.07360, 2016.
    """

    def __init__(self, channels_in: int, squeeze: int, expand: int, *, bn: bool) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels_in, squeeze, 1)
        self.squeeze_bn = _normalisation(squeeze, bn=bn)
        self.squeeze_relu = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand1x1_bn = _normalisation(expand, bn=bn)
        self.expand1x1_relu = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.expand3x3_bn = _normalisation(expand, bn=bn)
        self.expand3x3_relu = nn.ReLU()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, 2 * expand, H, W)."""
        squeezed = self.squeeze_relu(self.squeeze_bn(self.squeeze(features)))
        narrow = self.expand1x1_relu(self.expand1x1_bn(self.expand1x1(squeezed)))
        wide = self.expand3x3_relu(self.expand3x3_bn(self.expand3x3(squeezed)))
        return torch.cat((narrow, wide), dim=1)


def _normalisation(channels: int, *, bn: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if bn else nn.Identity()


@dataclass(frozen=True)
class SqueezeNetPlan:
    """The numbers in which the SqueezeNets differ.

    Attributes
    ----------
    stem_channels, stem_kernel
        First convolution.
    fires
        Squeeze and expand channels of fire2 to fire9.
    pools_after
        Names of the layers followed by a pooling.
    """

    stem_channels: int
    stem_kernel: int
    fires: Sequence[tuple[int, int]]
    pools_after: frozenset[str]


def build_squeezenet(plan: SqueezeNetPlan, settings: SqueezeNetSettings) -> nn.Sequential:
    """Return a SqueezeNet with children conv1, fire2 to fire9, conv10."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(
        settings.channels, plan.stem_channels, plan.stem_kernel, stride=settings.stem_stride
    )
    if settings.bn:
        layers["bn1"] = nn.BatchNorm2d(plan.stem_channels)
    layers["relu1"] = nn.ReLU()
    layers["pool1"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    channels = plan.stem_channels
    for number, (squeeze, expand) in enumerate(plan.fires, start=2):
        layers[f"fire{number}"] = Fire(channels, squeeze, expand, bn=settings.bn)
        channels = 2 * expand
        if f"fire{number}" in plan.pools_after:
            layers[f"pool{number}"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    layers["drop9"] = nn.Dropout(settings.dropout)
    layers["conv10"] = nn.Conv2d(channels, settings.class_count, 1)
    if settings.legacy_relu10:
        layers["relu10"] = nn.ReLU()
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    network = nn.Sequential(layers)
    _initialise(network)
    return network


def _initialise(network: nn.Sequential) -> None:
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            if name == "conv10":
                nn.init.normal_(module.weight, std=0.01)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
