"""Counting differing signs equals multiplying them, whatever the geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emostudio.inference.packed import xnor


@pytest.fixture(autouse=True, scope="module")
def compiled():
    """Compile before hypothesis starts its clock."""
    _counts(np.random.default_rng(0), (5, 3, 2, 4), threads=2, vectors=True)
    _counts(np.random.default_rng(0), (5, 3, 2, 4), threads=1, vectors=True)


def _counts(generator, sizes, *, threads, vectors):
    places, outputs, runs, inputs = sizes
    groups = -(-inputs // 4)
    signs = generator.integers(0, 2, (places + runs * 3, groups * 4)).astype(np.uint8)
    signs[:, inputs:] = 0
    upper = generator.integers(0, 2, (outputs, runs, inputs)).astype(np.bool_)
    activations = (xnor.nibbles_of(signs) << 4).reshape(-1)
    window = xnor.Reach(
        np.arange(places, dtype=np.int64) * groups,
        np.arange(runs, dtype=np.int64) * 3 * groups,
        groups,
    )
    weights = xnor.packed_weights(upper)
    counts = np.full((places, len(weights) * xnor.OUTPUTS), 7, np.uint16)
    xnor.count_differing(activations, weights, window, counts, threads, vectors=vectors)
    rows = np.stack([signs[place : place + runs * 3 : 3, :inputs] for place in range(places)])
    differing = rows[:, None].astype(np.bool_) != upper[None]
    return counts[:, :outputs], differing.sum(axis=(2, 3))


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 130), st.integers(1, 5), st.integers(1, 600)),
    threads=st.sampled_from([1, 2]),
    vectors=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_counts_are_exact(sizes, threads, vectors, seed):
    found, expected = _counts(np.random.default_rng(seed), sizes, threads=threads, vectors=vectors)
    assert np.array_equal(found, expected)


def test_many_inputs_overflow_nothing():
    generator = np.random.default_rng(0)
    signs = np.ones((1, 65532), np.uint8)
    upper = np.zeros((3, 1, 65532), np.bool_)
    upper[1] = True
    upper[2] = generator.integers(0, 2, 65532)
    window = xnor.Reach(np.zeros(1, np.int64), np.zeros(1, np.int64), 65532 // 4)
    counts = np.empty((1, 64), np.uint16)
    activations = (xnor.nibbles_of(signs) << 4).reshape(-1)
    xnor.count_differing(activations, xnor.packed_weights(upper), window, counts, 1)
    assert counts[0, :3].tolist() == [65532, 0, 65532 - upper[2].sum()]


@given(
    shape=st.tuples(st.integers(1, 130), st.integers(1, 4), st.integers(1, 30)),
    seed=st.integers(0, 2**16),
)
def test_weights_come_back(shape, seed):
    upper = np.random.default_rng(seed).integers(0, 2, shape).astype(np.bool_)
    packed = xnor.packed_weights(upper)
    assert np.array_equal(xnor.unpacked_weights(packed, shape[0], shape[2]), upper)
