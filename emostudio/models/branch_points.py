"""Where early exits go: behind layers the user names, known ones, or by share of the work."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from emostudio.core.errors import InputError
from emostudio.models.branchy import MOST_EXITS

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "VGG-S": ("pool2", "relu4"),
    "SqueezeNet": ("fire4", "fire6"),
}
"""Family of architectures to the layers that exits follow."""

_SHARES = (1 / 3, 2 / 3)
_MIDWAY = (nn.Conv2d, nn.BatchNorm2d, nn.Dropout, nn.LocalResponseNorm)
"""Layers within a block: an exit comes after what follows them."""

HEAD_WEIGHTS: Mapping[str, tuple[float, ...]] = {
    "equal": (1.0, 1.0, 1.0),
    "early-heavy": (1.0, 0.6, 0.3),
}
"""Weights of the losses of two exits and of the trunk."""


def head_weights(preset: str, exit_count: int) -> tuple[float, ...]:
    """Return the weights of the losses: of each exit, then of the trunk."""
    first, *_, last = HEAD_WEIGHTS[preset]
    if exit_count + 1 == len(HEAD_WEIGHTS[preset]):
        return HEAD_WEIGHTS[preset]
    step = (last - first) / exit_count
    return tuple(round(first + step * number, 6) for number in range(exit_count + 1))


@dataclass(frozen=True)
class _Child:
    """A layer of the trunk: shape of its output without the batch, multiply-adds up to its end."""

    shape: tuple[int, ...]
    macs: int


def branch_points(
    trunk: nn.Module, family: str, after: str, input_shape: tuple[int, int, int]
) -> dict[str, int]:
    """Return the layers that exits follow, and the channels of their output.

    Parameters
    ----------
    trunk
        On any device, also without values.
    family
        Of its architecture.
    after
        Names of layers separated by blanks; ``auto`` takes those known for the family, else the
        ends of blocks next to a third and two thirds of the multiply-adds.
    input_shape
        (C, H, W) of one input.

    Raises
    ------
    InputError
        If the trunk is no chain of layers, or a layer is not there or has no feature maps.
    """
    if not isinstance(trunk, nn.Sequential):
        raise InputError(
            "Exits cannot be added",
            why="the network is not a chain of layers, so it has no place to leave it",
            next_step="Choose an architecture of EmoStudio",
        )
    children = _children(trunk, input_shape)
    possible = [name for name, child in children.items() if len(child.shape) == 3]
    wanted = [name for name in re.split(r"[\s;,+|]+", after) if name]
    if wanted in ([], ["auto"]):
        known = _KNOWN.get(family, ())
        wanted = list(known) if known and set(known) <= set(possible) else _by_work(trunk, children)
    strange = [name for name in wanted if name not in possible[:-1]]
    if strange or not wanted or len(set(wanted)) > MOST_EXITS:
        raise InputError(
            "Exits cannot be added there",
            why=f"no feature maps come out of a layer called {strange[0]}"
            if strange
            else f"between 1 and {MOST_EXITS} exits are possible",
            next_step=f"Layers: {', '.join(possible[:-1])}",
        )
    return {name: child.shape[0] for name, child in children.items() if name in wanted}


def _by_work(trunk: nn.Sequential, children: Mapping[str, _Child]) -> list[str]:
    """Return ends of blocks nearest to the shares of `_SHARES`; of equals the latest."""
    total = max(child.macs for child in children.values())
    ends = [
        name
        for name, layer in trunk.named_children()
        if len(children[name].shape) == 3
        and not isinstance(layer, _MIDWAY)
        and 0 < children[name].macs < total
    ]
    chosen: list[str] = []
    for share in _SHARES:
        left = [name for name in ends if name not in chosen]
        if left:
            gaps = {name: abs(children[name].macs / total - share) for name in left}
            chosen.append(min(reversed(left), key=lambda name: gaps[name]))
    return chosen


def _children(trunk: nn.Sequential, input_shape: tuple[int, int, int]) -> dict[str, _Child]:
    """Run one empty picture through the trunk and note what each child does."""
    found: dict[str, _Child] = {}
    work = 0

    def add_work(layer: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        nonlocal work
        work += _macs(layer, tuple(output.shape[1:]))

    handles = [layer.register_forward_hook(add_work) for layer in trunk.modules()]
    device = next((tensor.device for tensor in trunk.parameters()), torch.device("cpu"))
    modes = {layer: layer.training for layer in trunk.modules()}
    try:
        trunk.eval()
        with torch.no_grad():
            features = torch.zeros(1, *input_shape, device=device)
            for name, child in trunk.named_children():
                features = child(features)
                found[name] = _Child(tuple(features.shape[1:]), work)
    finally:
        for handle in handles:
            handle.remove()
        for layer, mode in modes.items():
            layer.training = mode
    return found


def _macs(layer: nn.Module, output_shape: tuple[int, ...]) -> int:
    declared = getattr(layer, "mac_count", None)
    if declared is not None:
        return int(declared(output_shape))
    if isinstance(layer, nn.Conv2d):
        per_output = layer.in_channels // layer.groups * math.prod(layer.kernel_size)
        return math.prod(output_shape) * per_output
    if isinstance(layer, nn.Linear):
        return math.prod(output_shape) * layer.in_features
    return 0
