"""Layers with binary weights: integer sums are exact, numbers are close to torch's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from emostudio.inference import layer_spec
from emostudio.inference.packed.lowering import program_of
from emostudio.inference.packed.program import ProgramRun
from emostudio.inference.packed.step import Scratch
from emostudio.inference.packed.weight_lowering import binary_weight_layer


def _binary(layer):
    alpha = torch.rand(len(layer.weight)) + 0.1
    sign = torch.where(torch.randn_like(layer.weight) >= 0, 1.0, -1.0)
    layer.weight.data = alpha.view(-1, *(1,) * (sign.ndim - 1)) * sign
    return layer


def _found(layer, inputs, threads=1, *, vectors=True):
    size = tuple(inputs.shape[2:]) if inputs.ndim == 4 else (1, 1)
    step = binary_weight_layer(layer, size, ("in",), ("out",))
    plain = inputs.numpy()
    values = {"in": plain.transpose(0, 2, 3, 1).copy() if inputs.ndim == 4 else plain}
    step.run(values, Scratch(threads, vectors=vectors))
    out = torch.from_numpy(values["out"].copy())
    return out.permute(0, 3, 1, 2) if out.ndim == 4 else out


@settings(max_examples=50, deadline=None)
@given(
    groups=st.sampled_from([1, 1, 2, 3]),
    widths=st.tuples(st.integers(1, 300), st.integers(1, 40)),
    geometry=st.fixed_dictionaries(
        {
            "kernel_size": st.tuples(st.integers(1, 4), st.integers(1, 3)),
            "stride": st.tuples(st.integers(1, 3), st.integers(1, 2)),
            "padding": st.tuples(st.integers(0, 2), st.integers(0, 2)),
            "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        }
    ),
    batch=st.integers(1, 3),
    threads=st.sampled_from([1, 2]),
    seed=st.integers(0, 2**16),
)
def test_any_convolution(groups, widths, geometry, batch, threads, seed):
    torch.manual_seed(seed)
    c_in, c_out = (width * groups for width in widths)
    layer = _binary(nn.Conv2d(c_in, c_out, **geometry, groups=groups))
    inputs = torch.randn(batch, c_in, 9, 7) * torch.rand(batch, 1, 1, 1) * 100
    with torch.no_grad():
        expected = layer(inputs)
    found = _found(layer, inputs, threads)
    assert torch.equal(found, _found(layer, inputs, vectors=False))  # integer sums bit for bit
    for one, other in zip(found, expected, strict=True):
        scale = layer.weight.abs().amax() * inputs.abs().amax() * layer.weight[0].numel() ** 0.5
        assert (one - other).abs().max() <= 0.005 * scale


@pytest.mark.parametrize("value", [0.0, 1e-30, 3e30])
def test_constant_inputs_overflow_nothing(value):
    layer = nn.Linear(1000, 40)
    layer.weight.data.fill_(0.5)
    inputs = torch.full((2, 1000), value)
    with torch.no_grad():
        expected = layer(inputs)
    found = _found(layer, inputs)
    assert torch.allclose(found, expected, rtol=5e-3, atol=1e-6)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 5])
def test_an_image_that_is_broken_never_looks_healthy_and_spoils_no_other(place, value, vectors):
    torch.manual_seed(0)
    layer = _binary(nn.Conv2d(8, 6, 3, padding=1))
    inputs = torch.randn(3, 8, 7, 7)
    inputs[1, place, place, place] = value
    with torch.no_grad():
        expected = layer(inputs)
    found = _found(layer, inputs, vectors=vectors)
    broken = ~expected[1].isfinite()
    assert broken.any()
    assert not found[1][broken].isfinite().any()
    assert torch.allclose(found[::2], expected[::2], atol=0.05)


def test_each_image_has_its_own_unit():
    layer = _binary(nn.Linear(64, 40))
    inputs = torch.randn(2, 64)
    together = torch.stack([inputs[0], inputs[1] * 1e6])
    assert torch.equal(_found(layer, together)[0], _found(layer, inputs[:1])[0])


def test_a_network_stays_within_half_a_percent_of_the_largest_logit():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), _binary(nn.Conv2d(32, 64, 3, padding=1)),
        nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2), _binary(nn.Conv2d(64, 64, 3)), nn.ReLU(),
        nn.Flatten(), _binary(nn.Linear(64 * 25, 128)), nn.ReLU(), nn.Linear(128, 8),
    ).eval()  # fmt: skip
    inputs = torch.randn(8, 1, 16, 16)
    with torch.inference_mode():
        expected = network(inputs).numpy()
    found = ProgramRun(program_of(network, (1, 16, 16)), 2).run(inputs.numpy())[0]
    assert np.abs(found - expected).max() <= 0.005 * np.abs(expected).max()


def test_which_layers_have_kernels():
    assert layer_spec.takes_binary_weights(_binary(nn.Linear(8, 32)))
    assert not layer_spec.takes_binary_weights(nn.Linear(8, 32))
    assert not layer_spec.takes_binary_weights(_binary(nn.Linear(8, 31)))
    assert not layer_spec.takes_binary_weights(_binary(nn.Conv2d(32, 32, 3, groups=32)))
    assert not layer_spec.takes_binary_weights(_binary(nn.Conv2d(8, 32, 3, padding_mode="reflect")))
    assert not layer_spec.takes_binary_weights(nn.ReLU())
