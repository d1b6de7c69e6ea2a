"""Rows that share a signed permutation: folding equals the virtual matrix."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emostudio.compression import hashing
from emostudio.compression.row_hashing import Fold, RowHashedLinear, row_buckets


def _layer(rows=7, columns=30, share=0.125, *, bias=7, signed=True):
    torch.manual_seed(0)
    layer = RowHashedLinear(
        (rows, columns), row_buckets(rows, columns, share), bias, seed=5, signed=signed
    )
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 70),
    share=st.floats(0.01, 1.0),
    signed=st.booleans(),
)
def test_folding_equals_the_virtual_matrix(rows, columns, share, signed):
    layer = _layer(rows, columns, share, bias=rows, signed=signed)
    features = torch.randn(3, columns)
    expected = features @ layer.matrix().T + layer.bias
    assert torch.allclose(layer(features), expected, atol=1e-4)


def test_gradients_equal_those_through_the_virtual_matrix():
    layer = _layer().double()
    features = torch.randn(4, 30, dtype=torch.float64, requires_grad=True)
    target = torch.randn(4, 7, dtype=torch.float64)
    (layer(features) * target).sum().backward()
    found = layer.weight.grad.clone(), features.grad.clone()
    layer.weight.grad = features.grad = None
    ((features @ layer.matrix().T) * target).sum().backward()
    assert torch.allclose(found[0], layer.weight.grad)
    assert torch.allclose(found[1], features.grad)


@pytest.mark.parametrize(("columns", "buckets"), [(16, 4), (17, 4), (5, 5), (9, 1), (31, 8)])
def test_buckets_are_balanced(columns, buckets):
    places, signs = Fold(columns, buckets, 3, signed=True).places()
    members = np.bincount(places.numpy(), minlength=buckets)
    assert members.sum() == columns
    assert members.max() - members.min() <= 1
    assert set(signs.tolist()) <= {-1, 1}


def test_the_seed_decides_who_shares():
    first, again, other = (Fold(64, 8, seed, signed=True).places()[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_projection_is_the_mean_of_those_that_share():
    layer = _layer(rows=2, columns=12, share=0.25, bias=0)
    matrix = torch.randn(2, 12)
    layer.project(matrix)
    left = (layer.matrix() - matrix).detach()
    buckets, signs = layer.fold.places()
    for bucket in range(3):
        members = buckets == bucket
        assert torch.allclose(
            (left[:, members] * signs[members]).sum(dim=1), torch.zeros(2), atol=1e-5
        )


def test_the_exported_layer_is_small_and_answers_the_same():
    layer = _layer(rows=16, columns=64).eval()
    exported = layer.exported()
    assert sum(p.numel() for p in exported.parameters()) == 16 * 8 + 16
    features = torch.randn(3, 64)
    assert torch.allclose(exported(features), copy.deepcopy(layer)(features), atol=1e-5)


def test_compiled_passes_equal_those_of_torch(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    count, size = 1 << 17, 1000
    buckets = torch.randn(size, generator=generator)
    signs = torch.randint(0, 2, (count,), generator=generator) * 2 - 1
    entries = (torch.randint(1, size + 1, (count,), generator=generator) * signs).int()
    values = torch.randn(count, generator=generator).double()
    found = hashing.look_up(buckets, entries), hashing.gather(values, entries, size)
    monkeypatch.setattr(hashing, "_WORTH_COMPILING", count + 1)
    assert torch.equal(found[0], hashing.look_up(buckets, entries))
    assert torch.allclose(found[1], hashing.gather(values, entries, size))
