from itertools import pairwise

import pytest
import torch
from compression_fakes import exact_factors

from emostudio.compression import cp_als


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_kernel(shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def with_silent_term(factors):
    """The same kernel with one more term, whose out-factor is zero."""
    sides = [torch.ones(factor.shape[0], 1, dtype=torch.float64) for factor in factors.all]
    sides[0] = torch.zeros_like(sides[0])
    pairs = zip(factors.all, sides, strict=True)
    return cp_als.Factors(*(torch.cat(pair, dim=1) for pair in pairs))


@pytest.mark.parametrize(
    "shape", [(6, 4, 3, 3), (4, 6, 3, 3), (5, 5, 3, 5), (7, 2, 1, 3), (256, 64, 3, 3)]
)
def test_f1_unit_vectors_give_every_kernel_exactly(shape):
    kernel = random_kernel(shape)
    factors = exact_factors(kernel)
    assert factors.out_factor.shape[1] == shape[2] * shape[3] * min(shape[:2])
    assert torch.equal(factors.kernel(), kernel)


def test_a_kernel_of_known_rank_is_recovered():
    planted = cp_als.random_start((10, 8, 3, 3), 4, generator(1)).kernel()
    start = cp_als.random_start(planted.shape, 6, generator(2))
    result = cp_als.decompose(planted, start, sweeps=400, ridge=(1e-2, 1e-10))
    assert result.error < 1e-6


def test_f1_without_ridge_the_error_never_rises():
    kernel = random_kernel((12, 8, 3, 3))
    start = cp_als.random_start(kernel.shape, 6, generator(3))
    errors = cp_als.decompose(kernel, start, sweeps=60, ridge=(0.0, 0.0)).errors
    assert all(later <= earlier + 1e-10 for earlier, later in pairwise(errors))


def test_f1_a_higher_rank_started_from_a_lower_one_is_not_worse():
    kernel = random_kernel((10, 8, 3, 3), seed=4)
    factors, last = cp_als.random_start(kernel.shape, 2, generator(5)), float("inf")
    for rank in range(2, 6):
        assert factors.rank == rank
        result = cp_als.decompose(kernel, factors, sweeps=60, ridge=(0.0, 0.0))
        assert result.error <= last + 1e-9
        last = result.error
        factors = with_silent_term(result.factors)


def test_f1_scale_sign_and_order_of_the_terms_do_not_matter():
    factors = cp_als.random_start((6, 5, 3, 3), 4, generator(7))
    order, scale = torch.tensor([2, 0, 3, 1]), torch.tensor([-2.0, 0.5, -1.0, 8.0])
    changed = cp_als.Factors(
        (factors.out_factor * scale)[:, order],
        (factors.in_factor / scale)[:, order],
        (-factors.row_factor)[:, order],
        (-factors.column_factor)[:, order],
    )
    assert torch.allclose(changed.kernel(), factors.kernel(), atol=1e-12)
    norm = float(factors.kernel().norm())
    assert changed.degeneracy(norm) == pytest.approx(factors.degeneracy(norm))


def test_balancing_keeps_the_kernel_and_evens_the_norms():
    factors = cp_als.random_start((6, 5, 3, 3), 4, generator(7))
    skewed = cp_als.Factors(factors.out_factor * 100, factors.in_factor * -0.01, *factors.all[2:])
    balanced = skewed.balanced()
    assert torch.allclose(balanced.kernel(), skewed.kernel())
    norms = torch.stack([factor.norm(dim=0) for factor in balanced.all])
    assert torch.allclose(norms, norms[:1].expand_as(norms))


def test_the_ridge_tames_cancelling_terms():
    kernel = random_kernel((64, 32, 3, 3), seed=8)
    start = cp_als.random_start(kernel.shape, 60, generator(9))
    free = cp_als.decompose(kernel, start, sweeps=40, ridge=(0.0, 0.0))
    ridged = cp_als.decompose(kernel, start, sweeps=40, ridge=(1e-2, 1e-2))
    assert ridged.rho < free.rho
    assert ridged.error < free.error + 0.02


def test_degeneracy_sees_terms_that_cancel():
    big = cp_als.Factors(
        torch.tensor([[100.0, -100.0], [0.0, 0.1]]), *(torch.ones(1, 2) for _ in range(3))
    )
    assert big.degeneracy(float(big.kernel().norm())) > 100


def test_every_sweep_is_reported_with_its_error():
    told = []
    kernel = random_kernel((6, 5, 3, 3))
    start = cp_als.random_start(kernel.shape, 3, generator())
    found = cp_als.decompose(kernel, start, sweeps=7, report=lambda *event: told.append(event))
    assert told == list(enumerate(found.errors))
    assert len(told) == 7


def test_cancelling_inside_reaches_the_caller():
    def cancel(sweep, error):
        raise KeyboardInterrupt

    kernel = random_kernel((4, 4, 3, 3))
    with pytest.raises(KeyboardInterrupt):
        cp_als.decompose(kernel, cp_als.random_start(kernel.shape, 2, generator()), report=cancel)
