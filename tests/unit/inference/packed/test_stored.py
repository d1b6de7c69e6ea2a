"""Programs survive being stored, and damaged files are refused in words."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, BlockDesign
from emostudio.core.errors import InputError
from emostudio.inference.packed.lowering import program_of
from emostudio.inference.packed.program import ProgramRun
from emostudio.inference.packed.stored import from_bytes, to_bytes


@pytest.fixture(scope="module")
def program():
    torch.manual_seed(0)
    blocks = []
    for layer in (nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)):
        layer.weight.data = torch.where(layer.weight >= 0, 0.5, -0.5)
        blocks += [BinaryBlock(layer, BlockDesign(mode="paper")), nn.MaxPool2d(2)]
    network = nn.Sequential(*blocks, nn.ReLU(), nn.Flatten(), nn.Linear(32, 8)).eval()
    return program_of(network, (4, 8, 8))


def test_a_stored_program_answers_the_same(program):
    inputs = np.random.default_rng(0).standard_normal((3, 4, 8, 8)).astype(np.float32)
    content = to_bytes((program,))
    (again,) = from_bytes(content)
    assert np.array_equal(
        ProgramRun(again, 1).run(inputs)[0], ProgramRun(program, 1).run(inputs)[0]
    )
    assert to_bytes((again,)) == content


def test_damaged_files_are_refused(program):
    content = to_bytes((program,))
    damages = (
        b"",
        content[:40],
        content[:-10],
        content.replace(b"SignLayer", b"ShyLayers"),
        content.replace(b"sign_layer.", b"os.linesep."),
        content.replace(b"sign_layer.SignLayer", b"sign_layer.functools"),
    )
    for damage in damages:
        with pytest.raises(InputError, match="cannot be read"):
            from_bytes(damage)
