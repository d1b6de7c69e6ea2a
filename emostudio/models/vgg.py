"""The VGG-S trunk: five convolutions, three overlapping-free poolings, three dense layers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from torch import nn

from emostudio.core.settings import setting
from emostudio.models.base import ArchitectureSettings, ceil_pool_size, check_side, output_size


class VggSettings(ArchitectureSettings):
    """Settings of every VGG-S variant."""

    dropout: float = setting(
        0.5, title="Dropout", help="Share of dense features dropped in training.", low=0.0, high=0.9
    )


@dataclass(frozen=True)
class VggPlan:
    """The numbers in which the variants of VGG-S differ.

    Attributes
    ----------
    title
        Name shown in errors.
    normalisation
        Batch normalisation after every convolution, or local response normalisation after
        the first one.
    lrn_offset
        Constant k of local response normalisation.
    conv1_padding, conv2_padding
        Zero padding of the first two convolutions.
    dense_width
        Features of fc6 and fc7.
    channels
        Output channels of the five convolutions.
    """

    title: str
    normalisation: Literal["bn", "lrn"] = "bn"
    lrn_offset: float = 2.0
    conv1_padding: int = 1
    conv2_padding: int = 1
    dense_width: int = 4048
    channels: tuple[int, int, int, int, int] = (96, 256, 512, 512, 512)


def pooled_side(plan: VggPlan, input_size: int) -> int:
    """Return the side of the feature map that fc6 sees.

    Raises
    ------
    InputError
        If the input is too small for the poolings.
    """
    side = output_size(input_size, 7, 2, plan.conv1_padding)
    side = ceil_pool_size(check_side(side, "conv1", plan.title, input_size), 3, 3)
    side = output_size(side, 5, 1, plan.conv2_padding)
    side = ceil_pool_size(check_side(side, "conv2", plan.title, input_size), 2, 2)
    return ceil_pool_size(side, 3, 3)


def build_vgg(plan: VggPlan, settings: VggSettings) -> nn.Sequential:
    """Return a VGG-S with children conv1 to conv5 and fc6 to fc8.

    Raises
    ------
    InputError
        If the input is too small for the poolings.
    """
    side = pooled_side(plan, settings.input_size)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    _add_convolutions(layers, plan, settings.channels)
    layers["flatten"] = nn.Flatten()
    features = plan.channels[-1] * side * side
    for number in (6, 7):
        layers[f"fc{number}"] = nn.Linear(features, plan.dense_width)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"drop{number}"] = nn.Dropout(settings.dropout)
        features = plan.dense_width
    layers["fc8"] = nn.Linear(features, settings.class_count)
    return nn.Sequential(layers)


def _add_convolutions(layers: OrderedDict[str, nn.Module], plan: VggPlan, channels_in: int) -> None:
    geometry = (
        (7, 2, plan.conv1_padding), (5, 1, plan.conv2_padding), (3, 1, 1), (3, 1, 1), (3, 1, 1),
    )  # fmt: skip
    poolings = {1: (3, 3), 2: (2, 2), 5: (3, 3)}
    for number, (kernel, stride, padding) in enumerate(geometry, start=1):
        channels = plan.channels[number - 1]
        convolution = nn.Conv2d(channels_in, channels, kernel, stride=stride, padding=padding)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)
        layers[f"conv{number}"] = convolution
        if plan.normalisation == "bn":
            layers[f"bn{number}"] = nn.BatchNorm2d(channels, eps=1e-3)
        layers[f"relu{number}"] = nn.ReLU()
        if plan.normalisation == "lrn" and number == 1:
            # Torch divides alpha by the window like Caffe; ports of Lasagne nets need 1e-4.
            layers["lrn1"] = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=plan.lrn_offset)
        if number in poolings:
            pool_kernel, pool_stride = poolings[number]
            layers[f"pool{number}"] = nn.MaxPool2d(pool_kernel, pool_stride, ceil_mode=True)
        channels_in = channels
