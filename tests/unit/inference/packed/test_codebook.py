"""Linear layers of few values answer as torch does, from codes."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from emostudio.inference.layer_spec import shared_levels
from emostudio.inference.packed.step import Scratch
from emostudio.inference.packed.weight_lowering import codebook_layer


def _shared(inputs, outputs, count, seed):
    torch.manual_seed(seed)
    layer = nn.Linear(inputs, outputs)
    levels = torch.randn(count)
    layer.weight.data = levels[torch.randint(count, (outputs, inputs))]
    return layer


def _found(layer, inputs, threads=1, *, vectors=True):
    values = {"in": inputs.numpy()}
    codebook_layer(layer, ("in",), ("out",)).run(values, Scratch(threads, vectors=vectors))
    return torch.from_numpy(values["out"].copy())


@settings(max_examples=40, deadline=None)
@given(
    sides=st.tuples(st.integers(1, 300), st.integers(1, 150)),
    count=st.integers(1, 16),
    batch=st.integers(1, 3),
    threads=st.sampled_from([1, 2]),
    seed=st.integers(0, 2**16),
)
def test_any_layer(sides, count, batch, threads, seed):
    layer = _shared(*sides, count, seed)
    inputs = torch.randn(batch, sides[0]) * 10
    with torch.no_grad():
        expected = layer(inputs)
    found = _found(layer, inputs, threads)
    assert torch.equal(found, _found(layer, inputs, vectors=False))
    scale = layer.weight.abs().max() * inputs.abs().max() * sides[0] ** 0.5
    assert (found - expected).abs().max() <= 1e-3 * scale


def test_codes_take_an_eighth_of_the_memory():
    layer = _shared(512, 256, 16, 0)
    step = codebook_layer(layer, ("in",), ("out",))
    assert step.codes.nbytes * 8 == layer.weight.numel() * 4


def test_more_than_16_values_have_no_codes():
    layer = _shared(600, 40, 16, 1)
    assert len(shared_levels(layer.weight)) == 16
    layer.weight.data[-1, -1] = 100.0  # far behind the values that are looked at first
    assert shared_levels(layer.weight) is None
    assert codebook_layer(layer, ("in",), ("out",)) is None
