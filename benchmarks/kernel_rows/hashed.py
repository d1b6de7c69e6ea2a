"""HashedNets at one eighth: whole networks, and the training step of their layers."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from harness import Row
from pairs import Call, Timing
from torch import nn

from emostudio.compression.hashing import HashedLinear
from emostudio.compression.local_hashing import LocalHashedLinear
from emostudio.compression.row_hashing import RowHashedLinear, row_buckets
from emostudio.inference.graph import onnx_graph
from kernel_rows.packed_signs import float_call, float_vgg

_INPUT = (3, 224, 224)
_SIDES = (4096, 18432)
_SHARE = 0.125
_BATCH = 20


def rows(timing: Timing) -> list[Row]:
    """Return speeds over dense layers, one thread: ONNX Runtime, and training steps in torch."""
    whole = onnx_graph(float_vgg(), _INPUT)
    images = np.random.default_rng(0).standard_normal((1, *_INPUT)).astype(np.float32)
    found = []
    for key, kind in (
        ("hashed_vgg_s_1t", RowHashedLinear),
        ("hashed_vgg_s_general_1t", HashedLinear),
    ):
        hashed = float_call(onnx_graph(_hashed_vgg(kind), _INPUT), images, 1)
        found.append(timing.speedup(key, float_call(whole, images, 1), hashed))
    torch.set_num_threads(1)
    dense = _step(nn.Linear(_SIDES[1], _SIDES[0]))
    for key, kind in (
        ("hashed_step_structured", RowHashedLinear),
        ("hashed_step_local", LocalHashedLinear),
        ("hashed_step_general", HashedLinear),
    ):
        found.append(timing.speedup(key, dense, _step(_layer(kind, _SIDES))))
    return found


def _hashed_vgg(kind: type[HashedLinear]) -> nn.Module:
    network = float_vgg()
    for name in ("fc6", "fc7"):
        dense = network.get_submodule(name)
        setattr(network, name, _layer(kind, tuple(dense.weight.shape)))
    return network.eval()


def _layer(kind: type[HashedLinear], shape: tuple[int, int]) -> HashedLinear:
    layer = kind(shape, row_buckets(*shape, _SHARE), shape[0], seed=1)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.01)
    return layer


def _step(layer: nn.Module) -> Call:
    features = torch.randn(_BATCH, _SIDES[1], requires_grad=True)
    gradient = torch.randn(_BATCH, _SIDES[0])
    return partial(_run_step, layer, features, gradient)


def _run_step(layer: nn.Module, features: torch.Tensor, gradient: torch.Tensor) -> None:
    layer.train()  # as a trainer does before every step
    layer.zero_grad()
    features.grad = None
    layer(features).backward(gradient)
