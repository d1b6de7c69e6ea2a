"""XNOR: layers and networks on signs against float ones, their memory and their files."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from harness import Row
from pairs import Call, Timing
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, BlockDesign
from emostudio.core.atomic import write_bytes
from emostudio.evaluation.memory import resident_bytes
from emostudio.inference.graph import INPUT_NAME, onnx_graph
from emostudio.inference.onnx_sessions import open_graph
from emostudio.inference.packed.lowering import program_of
from emostudio.inference.packed.program import Program, ProgramRun
from emostudio.inference.packed.stored import to_bytes
from emostudio.models.catalogue import ARCHITECTURES

_INPUT = (3, 224, 224)
_BINARY = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")


def rows(timing: Timing) -> list[Row]:
    """Return speeds of the sign kernels over ONNX Runtime float, then memory and stored bytes."""
    found = [_layer_row(timing)]
    graph = onnx_graph(float_vgg(), _INPUT)
    program = program_of(sign_vgg(), _INPUT)
    images = np.random.default_rng(0).standard_normal((1, *_INPUT)).astype(np.float32)
    for threads in (1, 2):
        run = ProgramRun(program, threads)
        whole = float_call(graph, images, threads)
        key = f"xnor_vgg_s_{threads}t"
        found.append(timing.speedup(key, whole, partial(run.run, images)))
    return [*found, _resident_row(graph, program), _stored_row(graph, program)]


def float_vgg() -> nn.Module:
    """Return the survey's VGG-S for colour pictures of 224 pixels, without trained values."""
    torch.manual_seed(0)
    member = ARCHITECTURES.get("vgg_s_paper")
    return member.build(member.settings_type(channels=_INPUT[0], input_size=_INPUT[1])).eval()


def binarise(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Leave plus and minus the mean magnitude of every filter, in place."""
    weight = layer.weight.data
    alpha = weight.abs().flatten(1).mean(1).view(-1, *(1,) * (weight.ndim - 1))
    layer.weight.data = alpha * torch.where(weight >= 0, 1.0, -1.0)
    return layer


def sign_vgg() -> nn.Module:
    """Return it with the recipe's blocks, which take in normalisation, activation and dropout."""
    network = float_vgg()
    for name in _BINARY:
        number = name[-1]
        block = BinaryBlock(binarise(network.get_submodule(name)), BlockDesign())
        setattr(network, name, block)
        for absorbed in (f"bn{number}", f"relu{number}", f"drop{number}"):
            if hasattr(network, absorbed):
                setattr(network, absorbed, nn.Identity())
    return network.eval()


def float_call(graph: bytes, images: np.ndarray, threads: int) -> Call:
    """Return a call of ONNX Runtime."""
    session = open_graph(graph, threads)
    return lambda: session.run(None, {INPUT_NAME: images})


def _layer_row(timing: Timing) -> Row:
    torch.manual_seed(0)
    layer = nn.Conv2d(512, 512, 3, padding=1)
    whole = onnx_graph(layer, (512, 17, 17))
    # signs come in and signs go out, as between the layers of a network
    network = nn.Sequential(
        *(BinaryBlock(binarise(layer), BlockDesign(mode="paper")) for _ in range(3))
    )
    program = program_of(network.eval(), (512, 17, 17))
    middle = Program(program.steps[2:3], program.steps[2].inputs[0], program.steps[2].outputs)
    before = Program(program.steps[:2], program.source, program.steps[1].outputs)
    images = np.random.default_rng(0).standard_normal((1, 512, 17, 17)).astype(np.float32)
    signs = ProgramRun(before, 1).run(images)[0].transpose(0, 2, 3, 1).copy()
    run = ProgramRun(middle, 1)
    return timing.speedup(
        "xnor_conv_layer_1t", float_call(whole, images, 1), partial(run.run, signs)
    )


def _resident_row(graph: bytes, program: Program) -> Row:
    with tempfile.TemporaryDirectory() as name:
        ours = _loaded(Path(name), "packed", to_bytes((program,)))
        theirs = _loaded(Path(name), "onnxruntime", graph)
    return Row("xnor_resident", theirs / ours, "x")


def _loaded(folder: Path, engine: str, content: bytes) -> int:
    file = folder / engine
    write_bytes(file, content)
    shape = ",".join(map(str, _INPUT))
    command = [sys.executable, "-m", "emostudio.worker.memory_probe", "--engine", engine]
    return resident_bytes([*command, "--file", str(file), "--shape", shape]).loaded_bytes


def _stored_row(graph: bytes, program: Program) -> Row:
    return Row("xnor_stored", len(graph) / len(to_bytes((program,))), "x")
