"""A layer on signs equals the same layer in torch, to the last sum."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from emostudio.inference.layer_spec import (
    SignLayerSpec,
    affine_of,
    binary_scales,
    why_not_packed,
)
from emostudio.inference.packed.sign_lowering import sign_layer
from emostudio.inference.packed.step import Scratch


def _binary(layer):
    alpha = torch.rand(len(layer.weight)) + 0.1
    sign = torch.where(torch.randn_like(layer.weight) >= 0, 1.0, -1.0)
    layer.weight.data = alpha.view(-1, *(1,) * (sign.ndim - 1)) * sign
    return layer


def _spec(layer, c_in, c_out, **others):
    parts = {
        "input_scale": torch.randn(c_in),
        "input_shift": torch.randn(c_in) * 0.3,
        "surround": (0, 0),
        "input_scaling": False,
        "scale": torch.randn(c_out),
        "shift": torch.randn(c_out),
        "shortcut": None,
        "slope": torch.rand(c_out),
        "post": torch.randn(c_out),
    }
    return SignLayerSpec(layer, **(parts | others))


def _expected(spec, inputs):
    def wide(values):
        return values.view(-1, *(1,) * (inputs.ndim - 2))

    down, right = spec.surround
    padded = F.pad(inputs, (right, right, down, down)) if inputs.ndim == 4 else inputs
    prepared = padded * wide(spec.input_scale) + wide(spec.input_shift)
    with torch.no_grad():
        sums = spec.layer(torch.where(prepared >= 0, 1.0, -1.0))
    sums = sums * wide(spec.scale) + wide(spec.shift)
    return torch.where(sums >= 0, sums, sums * wide(spec.slope)) + wide(spec.post)


def _found(spec, inputs, threads=1, *, vectors=True):
    size = tuple(inputs.shape[2:]) if inputs.ndim == 4 else (1, 1)
    step = sign_layer(spec, size, ("in",), ("out",))
    given_in = inputs.numpy()
    values = {"in": given_in.transpose(0, 2, 3, 1).copy() if inputs.ndim == 4 else given_in}
    step.run(values, Scratch(threads, vectors=vectors))
    out = torch.from_numpy(values["out"])
    return out.permute(0, 3, 1, 2) if out.ndim == 4 else out


GEOMETRIES = st.fixed_dictionaries(
    {
        "groups": st.sampled_from([1, 1, 1, 2, 3]),
        "channels": st.tuples(st.integers(1, 9), st.integers(1, 40)),
        "kernel_size": st.tuples(st.integers(1, 5), st.integers(1, 3)),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 2)),
        "padding": st.tuples(st.integers(0, 2), st.integers(0, 2)),
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "bias": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    geometry=GEOMETRIES,
    batch=st.integers(1, 3),
    surround=st.booleans(),
    threads=st.sampled_from([1, 2]),
    vectors=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_any_convolution_equals_torch(geometry, batch, surround, threads, vectors, seed):
    torch.manual_seed(seed)
    c_in, c_out = (width * geometry["groups"] for width in geometry.pop("channels"))
    padding = geometry.pop("padding")
    layer = nn.Conv2d(c_in, c_out, **geometry, padding=(0, 0) if surround else padding)
    spec = _spec(_binary(layer), c_in, c_out, surround=padding if surround else (0, 0))
    inputs = torch.randn(batch, c_in, 11, 9)
    expected = _expected(spec, inputs)
    found = _found(spec, inputs, threads, vectors=vectors)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


@settings(max_examples=20, deadline=None)
@given(sides=st.tuples(st.integers(1, 300), st.integers(1, 100)), batch=st.integers(1, 4))
def test_any_linear_layer_equals_torch(sides, batch):
    spec = _spec(_binary(nn.Linear(*sides)), *sides)
    inputs = torch.randn(batch, sides[0])
    expected = _expected(spec, inputs)
    assert (_found(spec, inputs) - expected).abs().max() <= 1e-5 * float(expected.abs().max() + 1)


def test_integer_sums_are_bit_exact():
    layer = nn.Conv2d(13, 70, 3, padding=1, stride=2, bias=False)
    layer.weight.data = torch.where(torch.randn_like(layer.weight) >= 0, 1.0, -1.0)
    plain = {"scale": torch.ones(70), "shift": torch.zeros(70)}
    spec = _spec(layer, 13, 70, slope=torch.ones(70), post=torch.zeros(70), **plain)
    inputs = torch.randn(2, 13, 9, 9)
    assert torch.equal(_found(spec, inputs), _expected(spec, inputs))


def test_zero_is_a_positive_sign():
    spec = _spec(_binary(nn.Linear(8, 4)), 8, 4, input_shift=torch.zeros(8))
    inputs = torch.zeros(1, 8)
    assert torch.allclose(_found(spec, inputs), _expected(spec, inputs), atol=1e-5)


def test_weights_of_more_than_two_values_are_no_signs():
    layer = _binary(nn.Linear(8, 4))
    assert why_not_packed(_spec(layer, 8, 4)) == ""
    layer.weight.data[3, 2] *= 1.5
    assert "not binary" in why_not_packed(_spec(layer, 8, 4))
    assert binary_scales(layer.weight) is None


def test_too_many_inputs_are_refused():
    layer = nn.Linear(65536, 1)
    layer.weight.data.fill_(1.0)
    assert "16 bits" in why_not_packed(_spec(layer, 65536, 1))


def test_only_normalisations_with_statistics_can_be_folded():
    with pytest.raises(TypeError, match="Linear"):
        affine_of(nn.Linear(2, 2))
    with pytest.raises(TypeError, match="BatchNorm"):
        affine_of(nn.BatchNorm1d(2, track_running_stats=False))
    layer = nn.BatchNorm1d(3, affine=False).eval()
    layer.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    scale, shift = affine_of(layer)
    values = torch.randn(4, 3)
    assert torch.allclose(values * scale + shift, layer(values), atol=1e-6)
