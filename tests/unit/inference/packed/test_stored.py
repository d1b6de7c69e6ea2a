"""Programs survive being stored, and damaged files are refused in words."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, BlockDesign
from emostudio.core.errors import InputError
from emostudio.inference.base import fingerprint_of
from emostudio.inference.engines.packed import _answer, _kept_or_made, _makers
from emostudio.inference.graph_store import graph_file
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


def changed(content, change):
    """The file with its structure changed in place."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    structure = json.loads(header["__metadata__"]["program"])
    change(structure["programs"][0])
    return save(load(content), {"program": json.dumps(structure)})


def step_of(program, kind):
    return next(step for step in program["of"]["steps"] if step["part"].endswith(kind))


def put(kind, **fields):
    return lambda program: step_of(program, kind)["of"].update(fields)


MALFORMED = {
    "the part is a number": lambda program: program.update(part=5),
    "the part is a list": lambda program: program.update(part=["program.Program"]),
    "the fields are a list": lambda program: program.update(of=[]),
    "no fields": lambda program: program.pop("of"),
    "one key too many": lambda program: program.update(array="0"),
    "an unknown field": put("Flatten", more=1),
    "a missing field": lambda program: step_of(program, "SignLayer")["of"].pop("weights"),
    "a number for an array": put("SignLayer", weights=3),
    "a list for an array": put("SignLayer", weights=[1, 2]),
    "an array of another kind": lambda program: step_of(program, "SignLayer")["of"].update(
        weights=step_of(program, "SignLayer")["of"]["input_scale"]
    ),
    "an array that is a number": put("SignLayer", weights={"array": 0}),
    "an array that is a list": put("SignLayer", weights={"array": []}),
    "an array that is missing": put("SignLayer", weights={"array": "999"}),
    "a text for texts": put("Flatten", inputs="value"),
    "numbers for texts": put("Flatten", inputs=[1]),
    "too few numbers": put("SignLayer", channels=[4]),
    "a truth for a number": put("SignLayer", channels=[4, True]),
    "a number for a truth": put("SignLayer", flat=0),
    "a text for a part": put("SignLayer", window="3x3"),
    "a part of another kind": lambda program: step_of(program, "SignLayer")["of"].update(
        window=step_of(program, "Flatten")
    ),
    "steps that are none": lambda program: program["of"].update(steps=[1]),
    "a part that is no step": lambda program: program["of"].update(
        steps=[step_of(program, "SignLayer")["of"]["window"]]
    ),
    "a source that is no text": lambda program: program["of"].update(source=None),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_whatever_is_malformed_is_refused_and_a_kept_file_counts_as_none(program, name):
    content = changed(to_bytes((program,)), MALFORMED[name])
    with pytest.raises(InputError, match="cannot be read"):
        from_bytes(content)
    assert _answer(content, np.zeros((1, 4, 8, 8), np.float32)) is None


def test_a_structure_that_is_nested_without_end_is_refused(program):
    content = to_bytes((program,))
    structure = '{"version": 2, "programs": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(InputError, match="cannot be read"):
        from_bytes(save(load(content), {"program": structure}))


def test_an_unchanged_structure_is_read(program):
    content = changed(to_bytes((program,)), lambda _program: None)
    assert len(from_bytes(content)) == 1
    assert _answer(content, np.zeros((1, 4, 8, 8), np.float32)).shape == (1, 8)


def test_a_damaged_kept_file_is_made_again(program):
    torch.manual_seed(0)
    layer = nn.Linear(64, 8)
    layer.weight.data = torch.where(layer.weight >= 0, 0.5, -0.5)
    network = nn.Sequential(nn.Flatten(), layer).eval()
    fingerprint = fingerprint_of(network)
    made = _kept_or_made(network, fingerprint, (1, 8, 8))
    file = graph_file(network, fingerprint, (1, 8, 8), ".packed", _makers())
    whole = file.read_bytes()
    file.write_bytes(changed(whole, lambda program: program.update(of=[])))
    assert to_bytes(_kept_or_made(network, fingerprint, (1, 8, 8))) == to_bytes(made)
    assert file.read_bytes() == whole
