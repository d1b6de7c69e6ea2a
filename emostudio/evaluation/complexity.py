"""Parameters, multiply-adds and output shapes, layer by layer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_KINDS: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d), "conv"),
    ((nn.Linear,), "linear"),
    ((nn.modules.batchnorm._BatchNorm,), "batch norm"),  # noqa: SLF001 - the only common base
    ((nn.LocalResponseNorm,), "lrn"),
    ((nn.GroupNorm, nn.LayerNorm), "norm"),
    ((nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d), "pool"),
    (
        (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.Hardtanh, nn.Hardswish, nn.Sigmoid, nn.Tanh, nn.SiLU),
        "activation",
    ),
    ((nn.Dropout, nn.Dropout2d), "dropout"),
    ((nn.Flatten,), "shape"),
    ((nn.Identity,), "nothing"),
)


@dataclass(frozen=True)
class LayerCost:
    """Cost of one layer for one input.

    Attributes
    ----------
    name
        Dotted name within the network.
    kind
        ``conv``, ``linear``, ``batch norm`` and so on, or the name of a special layer in words.
    parameters
        Trainable scalars of the layer itself; a tensor shared by several layers counts once.
    macs
        Multiply-adds of the layer's matrix products; one MAC is two FLOPs.
    output_shape
        Without the batch.
    """

    name: str
    kind: str
    parameters: int
    macs: int
    output_shape: tuple[int, ...]


def count(module: nn.Module, input_shape: tuple[int, int, int]) -> list[LayerCost]:
    """Return the cost of every layer in the order in which they run.

    Convolutions and linear layers are counted by formula from their output shapes. A layer of
    another kind that does arithmetic of its own declares ``mac_count(output_shape) -> int``; it is
    then one layer, whatever it consists of. A network that chooses its layers by the picture
    declares ``traced_as() -> nn.Module``, which runs them all: the cost of the longest way.

    Parameters
    ----------
    module
        On any device, the meta device included; left as it was.
    input_shape
        (C, H, W) of one input.
    """
    device = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
    costs: dict[str, LayerCost] = {}
    seen: set[int] = set()
    handles = [
        layer.register_forward_hook(_recorder(name, costs, seen)) for name, layer in _leaves(module)
    ]
    traced_as = getattr(module, "traced_as", None)
    all_layers = module if traced_as is None else traced_as()
    was_training = module.training
    try:
        module.eval()
        with torch.no_grad():
            all_layers(torch.zeros(1, *input_shape, device=device))
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()
    return list(costs.values())


def total_parameters(costs: list[LayerCost]) -> int:
    """Return the parameters of all layers together."""
    return sum(cost.parameters for cost in costs)


def total_macs(costs: list[LayerCost]) -> int:
    """Return the multiply-adds of all layers together, for one input."""
    return sum(cost.macs for cost in costs)


def _leaves(module: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    children = list(module.named_children())
    holds_parameters = next(module.parameters(recurse=False), None) is not None
    if not children or holds_parameters or hasattr(module, "mac_count"):
        return [(prefix or type(module).__name__, module)]
    leaves: list[tuple[str, nn.Module]] = []
    for name, child in children:
        leaves += _leaves(child, f"{prefix}.{name}" if prefix else name)
    return leaves


def _recorder(
    name: str, costs: dict[str, LayerCost], seen: set[int]
) -> Callable[[nn.Module, Any, torch.Tensor], None]:
    def record(layer: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        shape = tuple(int(size) for size in output.shape[1:])
        own = [tensor for tensor in layer.parameters() if id(tensor) not in seen]
        seen.update(id(tensor) for tensor in own)
        before = costs.get(name)
        costs[name] = LayerCost(
            name=name,
            kind=kind_of(layer),
            parameters=sum(tensor.numel() for tensor in own)
            + (before.parameters if before is not None else 0),
            macs=layer_macs(layer, shape) + (before.macs if before is not None else 0),
            output_shape=shape,
        )

    return record


def kind_of(layer: nn.Module) -> str:
    """Return the word for a layer's kind; a layer of a method may declare it as ``kind``."""
    declared = getattr(layer, "kind", None)
    if isinstance(declared, str):
        return declared
    for types, word in _KINDS:
        if isinstance(layer, types):
            return word
    return _CAPITAL.sub(" ", type(layer).__name__).strip().lower()


def layer_macs(layer: nn.Module, output_shape: tuple[int, ...]) -> int:
    """Return the multiply-adds of one layer for one input.

    Parameters
    ----------
    output_shape
        Shape of the layer's output without the batch.
    """
    declared = getattr(layer, "mac_count", None)
    if declared is not None:
        return int(declared(output_shape))
    outputs = math.prod(output_shape)
    if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return outputs * (layer.in_channels // layer.groups) * math.prod(layer.kernel_size)
    if isinstance(layer, nn.Linear):
        return outputs * layer.in_features
    return 0
