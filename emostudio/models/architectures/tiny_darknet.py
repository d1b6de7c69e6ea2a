"""Tiny Darknet: thin 1x1 convolutions between 3x3 ones, and no dense layer at all."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count

from torch import nn

from emostudio.core.settings import setting
from emostudio.models.base import ArchitectureSettings, check_side

_SLOPE = 0.1
_LAYERS: tuple[tuple[int, int] | None, ...] = (
    (16, 3), None, (32, 3), None,
    (16, 1), (128, 3), (16, 1), (128, 3), None,
    (32, 1), (256, 3), (32, 1), (256, 3), None,
    (64, 1), (512, 3), (64, 1), (512, 3), (128, 1),
)  # fmt: skip
"""Channels and kernel of each convolution; None is a pooling that halves the map."""


class TinyDarknetSettings(ArchitectureSettings):
    """Settings of Tiny Darknet."""

    dropout: float = setting(
        0.0,
        title="Dropout",
        help="Share of features dropped before the last convolution; the original drops none.",
        low=0.0,
        high=0.9,
    )


class TinyDarknet:
    """Catalogue entry of Tiny Darknet."""

    key = "tiny_darknet"
    title = "Tiny Darknet"
    family = "Darknet"
    summary = "About a million parameters, batch normalisation throughout; trains surely."
    reference = "Redmon, Darknet: Open Source Neural Networks in C, 2013-2016"
    settings_type = TinyDarknetSettings

    def build(self, settings: TinyDarknetSettings) -> nn.Module:
        """Return the network with fresh weights."""
        side = settings.input_size // 2 ** _LAYERS.count(None)
        check_side(side, "pool4", self.title, settings.input_size)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels: int = settings.channels
        numbers, pools = count(1), count(1)
        for plan in _LAYERS:
            if plan is None:
                layers[f"pool{next(pools)}"] = nn.MaxPool2d(2, stride=2)
                continue
            number, (wanted, kernel) = next(numbers), plan
            layers[f"conv{number}"] = nn.Conv2d(
                channels, wanted, kernel, padding=kernel // 2, bias=False
            )
            layers[f"bn{number}"] = nn.BatchNorm2d(wanted)
            layers[f"relu{number}"] = nn.LeakyReLU(_SLOPE)
            channels = wanted
        last = next(numbers)
        layers["drop"] = nn.Dropout(settings.dropout)
        layers[f"conv{last}"] = nn.Conv2d(channels, settings.class_count, 1)
        layers["average"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        network = nn.Sequential(layers)
        _initialise(network, f"conv{last}")
        return network


def _initialise(network: nn.Sequential, last: str) -> None:
    for name, layer in network.named_children():
        if not isinstance(layer, nn.Conv2d):
            continue
        if name == last:
            nn.init.normal_(layer.weight, std=0.01)
        else:
            nn.init.kaiming_normal_(layer.weight, a=_SLOPE, nonlinearity="leaky_relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


ARCHITECTURE = TinyDarknet()
