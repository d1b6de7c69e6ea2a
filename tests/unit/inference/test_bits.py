"""G1 and half of B1: counting bits gives what sums of signs give, exactly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from emostudio.inference import bits


def signs(array):
    return torch.from_numpy(np.where(array >= 0, 1.0, -1.0))


@pytest.mark.parametrize("n", [1, 63, 64, 65, 129, 193, 257])
def test_g1_dot_products_of_odd_lengths_are_exact(n):
    generator = np.random.default_rng(n)
    values, weight = generator.normal(size=(7, n)), generator.normal(size=(5, n))
    expected = signs(values) @ signs(weight).T
    assert np.array_equal(bits.sign_linear(values, weight), expected.numpy())


def test_g1_zero_counts_as_plus_one():
    assert bits.sign_linear(np.zeros((1, 3)), np.array([[1.0, -1.0, 0.0]]))[0, 0] == 1


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 9),
    filters=st.integers(1, 4),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    seed=st.integers(0, 2**16),
)
def test_g1_any_convolution_of_signs_is_exact(
    channels, filters, kernel, stride, padding, dilation, seed
):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(2, channels, 9, 8))
    weight = generator.normal(size=(filters, channels, *kernel))
    expected = F.conv2d(signs(values), signs(weight), None, stride, padding, dilation)
    geometry = bits.Geometry(stride, padding, dilation)
    assert np.array_equal(bits.sign_convolution(values, weight, geometry), expected.numpy())


def test_g1_without_the_correction_the_border_would_be_wrong():
    generator = np.random.default_rng(0)
    values, weight = generator.normal(size=(1, 8, 6, 6)), generator.normal(size=(4, 8, 3, 3))
    padded = F.pad(signs(values), (1, 1, 1, 1), value=-1.0)
    uncorrected = F.conv2d(padded, signs(weight)).numpy()
    right = bits.sign_convolution(values, weight, bits.Geometry(padding=(1, 1)))
    assert not np.array_equal(uncorrected, right)
    assert np.array_equal(uncorrected[..., 1:-1, 1:-1], right[..., 1:-1, 1:-1])


def test_b1_normalisation_and_sign_fold_into_a_threshold():
    generator = np.random.default_rng(1)
    gamma = generator.normal(size=12)
    gamma[:3] = 0.0
    beta, mean = generator.normal(size=12), generator.normal(size=12)
    beta[0] = 0.0
    variance = generator.uniform(0.1, 3.0, 12)
    values = generator.normal(size=(50, 12, 3, 3)) * 3
    normalised = F.batch_norm(
        *map(torch.from_numpy, (values, mean, variance, gamma, beta)), eps=1e-3
    ).numpy()
    folded = bits.folded_threshold(gamma, beta, mean, variance, 1e-3)
    assert (gamma < 0).any()
    assert np.array_equal(folded.bits(values), normalised >= 0)
