"""Linear layers of few values answer as torch does, from codes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from emostudio.inference.layer_spec import shared_levels, takes_codes
from emostudio.inference.packed.lookup import LookupLinear
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
    _step(layer).run(values, Scratch(threads, vectors=vectors))
    return torch.from_numpy(values["out"].copy())


@settings(max_examples=40, deadline=None)
@given(
    sides=st.tuples(st.integers(1, 300), st.integers(1, 150)),
    count=st.one_of(st.integers(1, 16), st.integers(17, 32)),
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


@settings(max_examples=20, deadline=None)
@given(
    sides=st.tuples(st.integers(33, 700), st.integers(1, 70)),
    batch=st.integers(1, 3),
    threads=st.sampled_from([1, 2]),
    seed=st.integers(0, 2**16),
)
def test_layers_of_more_values_are_not_rounded(sides, batch, threads, seed):
    layer = _shared(*sides, 200, seed)
    layer.weight.data[0, :33] = torch.arange(33.0)
    inputs = torch.randn(batch, sides[0])
    with torch.no_grad():
        expected = layer(inputs)
    found = _found(layer, inputs, threads)
    assert isinstance(_step(layer), LookupLinear)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("count", [16, 32, 200])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_row_that_is_broken_never_looks_healthy_and_spoils_no_other(value, count, vectors):
    layer = _shared(100, 40, count, 0)
    layer.weight.data[0, :33] = torch.arange(33.0) if count > 32 else layer.weight.data[0, :33]
    inputs = torch.randn(3, 100)
    inputs[1, 7] = value
    with torch.no_grad():
        expected = layer(inputs)
    found = _found(layer, inputs, vectors=vectors)
    assert not found[1].isfinite().any()
    assert not expected[1].isfinite().any()
    assert found[1].isnan().all() or not expected[1].isnan().all()
    assert torch.allclose(found[::2], expected[::2], atol=0.05)


@pytest.mark.parametrize(("count", "share"), [(16, 8), (32, 4), (256, 4)])
def test_codes_take_less_memory(count, share):
    layer = _shared(512, 256, count, 0)
    assert _step(layer).codes.nbytes * share == layer.weight.numel() * 4


def test_more_than_256_values_have_no_codes():
    layer = _shared(600, 40, 256, 1)
    assert len(shared_levels(layer.weight)) == 256
    assert takes_codes(layer)
    layer.weight.data[-1, -1] = 100.0  # far behind the values that are looked at first
    assert shared_levels(layer.weight) is None
    assert not takes_codes(layer)
    assert _step(layer) is None


def test_values_that_nothing_shares_are_no_codebook():
    assert not takes_codes(nn.Linear(4, 32))


def _step(layer):
    return codebook_layer(layer, ("in",), ("out",))
