"""The layers that the readings have in common, and sessions on them.

All convolutions are timed as three layers one after another, as they stand in a network: a single
one would mostly show how its input is brought into the kernel's own order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from emostudio.evaluation.latency import Contender
from emostudio.evaluation.layer_timing import Shape, chain_graph
from emostudio.evaluation.probe.base import Work
from emostudio.inference.engines.onnxruntime import open_graphs
from emostudio.inference.engines.packed import open_programs
from emostudio.inference.packed.lowering import programs_of

CHANNELS, SIDE, LAYERS = 128, 14, 3
"""The middle of a network for small faces."""
FEATURES = 4096
"""Sides of a linear layer as in VGG-S: 67 MB in float, more than caches hold."""
_INPUTS = 4
_SEED = 0
_SPREAD = 0.05


def conv_words(channels: int = CHANNELS) -> str:
    """Return the chain of convolutions in words."""
    return f"{LAYERS} convolutions 3×3, {channels} to {channels} channels, {SIDE}×{SIDE}"


def linear_words() -> str:
    """Return the linear layer in words."""
    return f"a linear layer {FEATURES} to {FEATURES}, one picture"


def convolutions(channels: int = CHANNELS, *, groups: int = 1) -> list[nn.Conv2d]:
    """Return `LAYERS` convolutions 3x3 that keep the geometry, without values."""
    with torch.device("meta"):
        return [nn.Conv2d(channels, channels, 3, padding=1, groups=groups) for _ in range(LAYERS)]


def float_work(
    name: str, layers: Sequence[nn.Conv2d | nn.Linear], input_shape: Shape, threads: int
) -> Work:
    """Return layers one after another on ONNX Runtime, in float32.

    Parameters
    ----------
    name
        Stands in messages.
    layers
        Only their geometry is used.
    input_shape
        Without the batch.
    threads
        Of the session.
    """
    content = chain_graph(layers, input_shape)
    contender = Contender(name, lambda: open_graphs([content], threads), random_inputs(input_shape))
    return Work(contender, operations_of(layers, input_shape))


def dense_convolutions(threads: int) -> Work:
    """Return the float convolutions that others are held against."""
    return float_work("float convolution", convolutions(), (CHANNELS, SIDE, SIDE), threads)


def dense_linear(threads: int) -> Work:
    """Return the float linear layer that others are held against."""
    with torch.device("meta"):
        layer = nn.Linear(FEATURES, FEATURES)
    return float_work("float linear layer", [layer], (FEATURES,), threads)


def packed_work(name: str, network: nn.Module, input_shape: Shape, threads: int) -> Work:
    """Return a network of binary weights or codes on the packed engine.

    Operations are counted as for float weights: those the kernels stand for, not those they do.

    Raises
    ------
    EmoStudioError
        If the engine cannot follow the network.
    """
    programs = programs_of(network, input_shape)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    contender = Contender(
        name, lambda: open_programs(programs, threads), random_inputs(input_shape)
    )
    return Work(contender, operations_of(layers, input_shape))


def linear_of(weight: torch.Tensor) -> nn.Linear:
    """Return a linear layer of given weights (C_out, C_in) and no bias to speak of."""
    with torch.device("meta"):  # random weights would take a second only to be thrown away
        layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight = nn.Parameter(weight)
    layer.bias = nn.Parameter(torch.zeros(len(weight)))
    return layer


def operations_of(layers: Sequence[nn.Conv2d | nn.Linear], input_shape: Shape) -> float:
    """Return the operations of one input: two per multiply-add."""
    values, total = torch.empty(1, *input_shape, device="meta"), 0
    for layer in layers:
        shapes = {name: value.to("meta") for name, value in layer.named_parameters()}
        values = functional_call(layer, shapes, values)
        per_output = layer.weight[0].numel()
        total += 2 * per_output * values.numel()
    return float(total)


def binary_values(shape: Shape) -> torch.Tensor:
    """Return random weights of plus and minus the same number."""
    generator = torch.Generator().manual_seed(_SEED)
    signs = torch.randint(0, 2, shape, generator=generator, dtype=torch.float32)
    return (2 * signs - 1) * _SPREAD


def random_inputs(input_shape: Shape) -> NDArray[np.float32]:
    """Return a few different inputs, so that no cache can answer."""
    generator = np.random.default_rng(_SEED)
    return generator.standard_normal((_INPUTS, *input_shape)).astype(np.float32)
