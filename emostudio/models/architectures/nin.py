"""Network in Network: each convolution is followed by two of 1x1, a small net at every pixel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from emostudio.core.settings import setting
from emostudio.models.base import ArchitectureSettings, ceil_pool_size, check_side, output_size


@dataclass(frozen=True)
class _Block:
    """A convolution, the channels of the two 1x1 ones behind it, and the pooling at the end.

    Attributes
    ----------
    channels
        Of the three convolutions; 0 stands for the number of classes.
    kernel, stride, padding
        Of the first convolution.
    pool
        Kind of the 3x3 pooling of stride 2, or nothing.
    drop
        Whether features are dropped after the block.
    """

    channels: tuple[int, int, int]
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: Literal["max", "average", ""] = ""
    drop: bool = False


_FORMS: Mapping[str, tuple[_Block, ...]] = {
    "cifar": (
        _Block((192, 160, 96), 5, padding=2, pool="max", drop=True),
        _Block((192, 192, 192), 5, padding=2, pool="average", drop=True),
        _Block((192, 192, 0), 3, padding=1),
    ),
    "imagenet": (
        _Block((96, 96, 96), 11, stride=4, pool="max"),
        _Block((256, 256, 256), 5, padding=2, pool="max"),
        _Block((384, 384, 384), 3, padding=1, pool="max", drop=True),
        _Block((1024, 1024, 0), 3, padding=1),
    ),
}


class NinSettings(ArchitectureSettings):
    """Settings of Network in Network."""

    input_size: int = setting(
        48,
        title="Input size",
        help="Width and height of the face crop; the CIFAR form was made for 32 px, the ImageNet "
        "form for 224 px.",
        unit="px",
        low=24,
        high=512,
    )
    form: Literal["cifar", "imagenet"] = setting(
        "cifar", title="Form", help="The small network for small pictures, or the large one."
    )
    bn: bool = setting(
        False,
        title="Batch normalisation",
        help="Normalise after every convolution but the last; trains faster and more surely.",
    )
    dropout: float = setting(
        0.5, title="Dropout", help="Share of features dropped after poolings.", low=0.0, high=0.9
    )


class NetworkInNetwork:
    """Catalogue entry of Network in Network."""

    key = "nin"
    title = "Network in Network"
    family = "NIN"
    summary = "No dense layers, 1x1 convolutions between spatial ones; a testbed for binary nets."
    reference = "Lin, Chen and Yan, ICLR 2014, arXiv:1312.4400"
    settings_type = NinSettings

    def build(self, settings: NinSettings) -> nn.Module:
        """Return the network with fresh weights.

        Raises
        ------
        InputError
            If the input is too small for the poolings.
        """
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels: int = settings.channels
        side = settings.input_size
        for number, block in enumerate(_FORMS[settings.form], start=1):
            side = _side_after(block, number, side, settings.input_size)
            channels = _add_block(layers, number, block, channels, settings)
        layers["average"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        return nn.Sequential(layers)


def _side_after(block: _Block, number: int, side: int, input_size: int) -> int:
    title = NetworkInNetwork.title
    side = output_size(side, block.kernel, block.stride, block.padding)
    check_side(side, f"conv{number}", title, input_size)
    if block.pool:
        side = check_side(ceil_pool_size(side, 3, 2), f"pool{number}", title, input_size)
    return side


def _add_block(
    layers: OrderedDict[str, nn.Module],
    number: int,
    block: _Block,
    channels: int,
    settings: NinSettings,
) -> int:
    """Add conv<n>, cccp<n>a and cccp<n>b with what follows them; returns the channels."""
    for name, wanted in zip(
        (f"conv{number}", f"cccp{number}a", f"cccp{number}b"), block.channels, strict=True
    ):
        spatial = name.startswith("conv")
        layer = nn.Conv2d(
            channels,
            wanted or settings.class_count,
            block.kernel if spatial else 1,
            stride=block.stride if spatial else 1,
            padding=block.padding if spatial else 0,
        )
        layers[name] = layer
        channels = layer.out_channels
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        if not wanted:  # the logits: neither normalised nor rectified
            nn.init.normal_(layer.weight, std=0.01)
            continue
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        suffix = name.removeprefix("conv").removeprefix("cccp")
        if settings.bn:
            layers[f"bn{suffix}"] = nn.BatchNorm2d(channels)
        layers[f"relu{suffix}"] = nn.ReLU()
    if block.pool == "max":
        layers[f"pool{number}"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    elif block.pool == "average":
        layers[f"pool{number}"] = nn.AvgPool2d(3, stride=2, ceil_mode=True)
    if block.drop:
        layers[f"drop{number}"] = nn.Dropout(settings.dropout)
    return channels


ARCHITECTURE = NetworkInNetwork()
