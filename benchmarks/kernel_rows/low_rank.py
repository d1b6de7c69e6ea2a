"""CP, Tucker-2 and SVD: a whole network with thin layers against the same one without."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from harness import Row
from numpy.typing import NDArray
from pairs import Timing
from torch import nn

from emostudio.compression import cp_layers, svd_layers, tucker_layers
from emostudio.compression.factor_layers import convolution, decomposable
from emostudio.compression.surgery import layer_at, replace_layer
from emostudio.inference.graph import INPUT_NAME, onnx_graph
from emostudio.inference.onnx_sessions import open_graph
from emostudio.models.catalogue import ARCHITECTURES

_INPUT = (3, 224, 224)
_SURVEY_RANK = 192
_DENSE_RANK = 256


def rows(timing: Timing) -> list[Row]:
    """Return the speed of each thin network over its own, ONNX Runtime float, one thread."""
    squeezenet, vgg = _network("squeezenet1_1"), _network("vgg_s_paper")
    images = np.random.default_rng(0).standard_normal((1, *_INPUT)).astype(np.float32)
    call = partial(_call, images=images)
    whole = call(squeezenet)
    paper = call(_with_cp(_network("squeezenet1_1"), ("fire8", "fire9"), _SURVEY_RANK, "four"))
    fires = tuple(f"fire{number}" for number in range(2, 10))
    found = [
        timing.speedup("cp_paper_squeezenet_1t", whole, paper),
        timing.speedup(
            "cp3_all_squeezenet_1t", whole, call(_with_cp(squeezenet, fires, 0, "three"))
        ),
    ]
    whole = call(vgg)
    return [*found, timing.speedup("tucker_svd_vgg_s_1t", whole, call(_with_thin_layers(vgg)))]


def _network(architecture: str) -> nn.Module:
    """Return a network for colour pictures of 224 pixels; random values are as fast as any."""
    torch.manual_seed(0)
    member = ARCHITECTURES.get(architecture)
    settings = {"channels": _INPUT[0], "input_size": _INPUT[1]}
    return member.build(member.settings_type(**settings)).eval()


def _with_cp(
    network: nn.Module, blocks: tuple[str, ...], rank: int, scheme: cp_layers.Scheme
) -> nn.Module:
    """Put thin layers in the place of expansions; rank 0 stands for that of the inputs."""
    for name in blocks:
        path = f"{name}.expand3x3"
        layer = convolution(layer_at(network, path))
        thin = cp_layers.factor_layers(layer, rank or layer.in_channels, scheme)
        replace_layer(network, path, thin)
    return network


def _with_thin_layers(network: nn.Module) -> nn.Module:
    """Put Tucker-2 at a third of the channels, behind conv1, and SVD in a VGG-S."""
    for number in (2, 3, 4, 5):
        layer = convolution(layer_at(network, f"conv{number}"))
        thin = tucker_layers.factor_layers(layer, layer.out_channels // 3, layer.in_channels // 3)
        replace_layer(network, f"conv{number}", thin)
    for number in (6, 7):
        matrix = decomposable(layer_at(network, f"fc{number}"))
        replace_layer(network, f"fc{number}", svd_layers.factor_layers(matrix, _DENSE_RANK))
    return network


def _call(network: nn.Module, images: NDArray[np.float32]) -> Any:
    session = open_graph(onnx_graph(network.eval(), _INPUT), threads=1)
    return lambda: session.run(None, {INPUT_NAME: images})
