from itertools import pairwise

import pytest
import torch

from emostudio.compression import tucker_hooi


def kernel_of(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_f2_full_rank_is_exact():
    kernel = kernel_of(12, 7, 3, 5)
    found = tucker_hooi.decompose(kernel, (12, 7))
    assert float((found.kernel() - kernel).pow(2).sum()) < 1e-24


@pytest.mark.parametrize("ranks", [(3, 2), (8, 8), (12, 1), (16, 12)])
def test_f2_the_error_is_what_the_core_does_not_hold(ranks):
    kernel = kernel_of(16, 12, 3, 3)
    found = tucker_hooi.decompose(kernel, ranks)
    error = (kernel - found.kernel()).pow(2).sum()
    assert torch.allclose(error, kernel.pow(2).sum() - found.core.pow(2).sum(), atol=1e-9)
    assert found.errors[-1] == pytest.approx(float(error.sqrt() / kernel.norm()), abs=1e-7)


def test_f2_factors_are_orthonormal():
    found = tucker_hooi.decompose(kernel_of(16, 12, 3, 3), (10, 5))
    for factor in (found.out_factor, found.in_factor):
        unit = torch.eye(factor.shape[1]).double()
        assert torch.allclose(factor.T @ factor, unit, atol=1e-12)


@pytest.mark.parametrize("ranks", [(3, 2), (10, 5), (5, 10)])
def test_f2_the_error_is_within_the_bound_of_the_discarded_singular_values(ranks):
    kernel = kernel_of(16, 12, 3, 3, seed=1)
    found = tucker_hooi.decompose(kernel, ranks)
    discarded = [
        (torch.linalg.svdvals(unfolding)[rank:] ** 2).sum()
        for unfolding, rank in zip(tucker_hooi.unfoldings(kernel), ranks, strict=True)
    ]
    error = (kernel - found.kernel()).pow(2).sum()
    assert max(discarded) <= error + 1e-9
    assert error <= sum(discarded) + 1e-9


def test_sweeps_never_make_it_worse_and_each_is_reported():
    told = []
    kernel = kernel_of(20, 16, 3, 3, seed=2)
    found = tucker_hooi.decompose(
        kernel, (6, 5), sweeps=12, tolerance=0.0, report=lambda *event: told.append(event)
    )
    assert told == list(enumerate(found.errors))
    assert len(told) == 12
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(found.errors))


def test_a_kernel_of_known_ranks_is_recovered():
    core = kernel_of(4, 3, 3, 3)
    planted = torch.einsum("abyx,ta,sb->tsyx", core, kernel_of(16, 4), kernel_of(12, 3))
    assert tucker_hooi.decompose(planted, (4, 3)).errors[-1] < 1e-6


def test_cancelling_inside_reaches_the_caller():
    def cancel(sweep, error):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tucker_hooi.decompose(kernel_of(4, 4, 3, 3), (2, 2), report=cancel)


@pytest.mark.parametrize(
    ("shape", "ranks"),
    [
        ((512, 512, 3, 3), (205, 205)),
        ((512, 256, 3, 3), (194, 97)),
        ((256, 96, 5, 5), (113, 42)),
        ((256, 64, 3, 3), (81, 20)),
    ],
)
def test_f2_ranks_of_a_quarter_of_the_weights_are_those_of_the_reference(shape, ranks):
    assert tucker_hooi.budget_ranks(shape, 0.25) == ranks
    needed = tucker_hooi.parameter_count(shape, *ranks)
    assert 0.24 * torch.Size(shape).numel() < needed <= 0.25 * torch.Size(shape).numel()


def test_f2_planted_ranks_of_a_kernel_are_found_under_noise():
    core = kernel_of(128, 64, 3, 3)
    out_factor = torch.linalg.qr(kernel_of(512, 128, seed=1))[0]
    in_factor = torch.linalg.qr(kernel_of(256, 64, seed=2))[0]
    signal = torch.einsum("abyx,ta,sb->tsyx", core, out_factor, in_factor)
    signal = signal / signal.pow(2).mean().sqrt()
    assert tucker_hooi.vbmf_ranks(signal + 0.5 * kernel_of(512, 256, 3, 3, seed=3)) == (128, 64)


def test_f2_a_kernel_of_pure_noise_gets_the_smallest_ranks():
    assert tucker_hooi.vbmf_ranks(0.02 * kernel_of(256, 128, 3, 3)) == (16, 8)
