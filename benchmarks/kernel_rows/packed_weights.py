"""BWN and codebooks: weights of 1, 4, 5 and 8 bits against float ones, and the file of a BWN."""

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
_CODEBOOKS = ((4, 1), (5, 1), (8, 1), (8, 2))  # bits and threads


def rows(timing: Timing) -> list[Row]:
    """Return speeds over torch's matrix-vector product and over ONNX Runtime, one thread."""
    torch.manual_seed(0)
    found = [_linear_row(timing, "bwn_linear_1t", binarise(nn.Linear(*_SIDES)))]
    found += [_codebook_row(timing, bits, threads) for bits, threads in _CODEBOOKS]
    torch.set_num_threads(1)
    return [*found, *_network_rows(timing)]


def _codebook_row(timing: Timing, bits: int, threads: int) -> Row:
    shared = nn.Linear(*_SIDES)
    levels = torch.linspace(-1.0, 1.0, 2**bits)
    shared.weight.data = levels[torch.randint(len(levels), shared.weight.shape)]
    return _linear_row(timing, f"codebook{bits}_linear_{threads}t", shared, threads)


def _linear_row(timing: Timing, key: str, layer: nn.Linear, threads: int = 1) -> Row:
    """Compare with float GEMV in torch, whose limit is the memory it reads."""
    torch.set_num_threads(threads)
    values = torch.relu(torch.randn(_SIDES[0]))
    weight = torch.randn(_SIDES[1], _SIDES[0])
    run = ProgramRun(program_of(nn.Sequential(layer).eval(), (_SIDES[0],)), threads)
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
