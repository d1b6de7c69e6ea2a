"""PVANet: concatenated rectifiers first, Inception blocks later, a small head of our own."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from emostudio.core.settings import setting
from emostudio.models.base import ArchitectureSettings
from emostudio.models.crelu import CRelu, Inception, MCRelu

_MCRELU: tuple[tuple[str, int, tuple[int, int, int]], ...] = (
    ("conv2", 3, (24, 24, 64)),
    ("conv3", 4, (48, 48, 128)),
)
"""Stage, number of blocks, channels of each; all stages but the first halve the map."""

_INCEPTION: tuple[
    tuple[str, int, tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...], int], ...
] = (
    ("conv4", 4, ((64,), (48, 128), (24, 48, 48)), ((64,), (64, 128), (24, 48, 48)), 256),
    ("conv5", 4, ((64,), (96, 192), (32, 64, 64)), ((64,), (96, 192), (32, 64, 64)), 384),
)
"""Stage, number of blocks, branches of the first block and of the others, channels out."""

_POOLED = 128


class PvaNetSettings(ArchitectureSettings):
    """Settings of PVANet."""

    dropout: float = setting(
        0.0, title="Dropout", help="Share of features dropped before fc.", low=0.0, high=0.9
    )


class PvaNet:
    """Catalogue entry of PVANet."""

    key = "pvanet"
    title = "PVANet"
    family = "PVANet"
    summary = "Deep and thin: 2.9 M parameters, 0.5 G multiply-adds at 224 px."
    reference = "Hong et al., PVANet, 2016, arXiv:1611.08588"
    settings_type = PvaNetSettings

    def build(self, settings: PvaNetSettings) -> nn.Module:
        """Return the network with fresh weights; any input down to a pixel fits."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv1"] = CRelu(settings.channels, 16, 7, stride=2, bias=False)
        layers["pool1"] = nn.MaxPool2d(3, stride=2, padding=1)
        channels = 32
        for stage, blocks, widths in _MCRELU:
            for number in range(1, blocks + 1):
                first = stage == "conv2" and number == 1
                stride = 2 if number == 1 and not first else 1
                layers[f"{stage}_{number}"] = MCRelu(
                    channels, widths, stride=stride, activated=not first
                )
                channels = widths[-1]
        for stage, blocks, halving, keeping, channels_out in _INCEPTION:
            for number in range(1, blocks + 1):
                branches = halving if number == 1 else keeping
                layers[f"{stage}_{number}"] = Inception(
                    channels, branches, channels_out, pool=_POOLED if number == 1 else 0
                )
                channels = channels_out
        layers["bn5"] = nn.BatchNorm2d(channels)
        layers["relu5"] = nn.ReLU()
        layers["average"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["drop5"] = nn.Dropout(settings.dropout)
        layers["fc"] = nn.Linear(channels, settings.class_count)
        network = nn.Sequential(layers)
        _initialise(network)
        return network


def _initialise(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)


ARCHITECTURE = PvaNet()
