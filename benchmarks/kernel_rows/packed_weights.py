"""BWN and codebooks: weights of 1 and 4 bits against float ones, and the file of a BWN."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from harness import Row
from pairs import Timing
from torch import nn

from emostudio.inference.graph import onnx_graph
from emostudio.inference.packed.lowering import program_of
from emostudio.inference.packed.program import ProgramRun
from emostudio.inference.packed.stored import to_bytes
from kernel_rows.packed_signs import binarise, float_call, float_vgg

_INPUT = (3, 224, 224)
_BINARY = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
_SIDES = (18432, 4096)


def rows(timing: Timing) -> list[Row]:
    """Return speeds over torch's matrix-vector product and over ONNX Runtime, one thread."""
    torch.manual_seed(0)
    found = [_linear_row(timing, "bwn_linear_1t", binarise(nn.Linear(*_SIDES)))]
    shared = nn.Linear(*_SIDES)
    shared.weight.data = torch.linspace(-1.0, 1.0, 16)[torch.randint(16, shared.weight.shape)]
    found.append(_linear_row(timing, "codebook4_linear_1t", shared))
    return [*found, *_network_rows(timing)]


def _linear_row(timing: Timing, key: str, layer: nn.Linear) -> Row:
    """Compare with float GEMV in torch, whose limit is the memory it reads."""
    torch.set_num_threads(1)
    values = torch.relu(torch.randn(_SIDES[0]))
    weight = torch.randn(_SIDES[1], _SIDES[0])
    run = ProgramRun(program_of(nn.Sequential(layer).eval(), (_SIDES[0],)), 1)
    return timing.speedup(
        key, partial(torch.mv, weight, values), partial(run.run, values.numpy()[None])
    )


def _network_rows(timing: Timing) -> list[Row]:
    graph = onnx_graph(float_vgg(), _INPUT)
    network = float_vgg()
    for name in _BINARY:
        binarise(network.get_submodule(name))
    program = program_of(network, _INPUT)
    images = np.random.default_rng(0).standard_normal((1, *_INPUT)).astype(np.float32)
    run = ProgramRun(program, 1)
    return [
        timing.speedup("bwn_vgg_s_1t", float_call(graph, images, 1), partial(run.run, images)),
        Row("bwn_stored", len(graph) / len(to_bytes((program,))), "x"),
    ]
