import pytest
import torch
from compression_fakes import exact_factors

from emostudio.compression import cp_als
from emostudio.compression.cp_polish import polish


def start_for(kernel, rank, sweeps, ridge=(1e-2, 1e-4)):
    generator = torch.Generator().manual_seed(1)
    start = cp_als.random_start(tuple(kernel.shape), rank, generator)
    return cp_als.decompose(kernel, start, sweeps=sweeps, ridge=ridge)


def kernel_of(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_the_error_falls_and_the_ridge_keeps_terms_from_growing():
    kernel = kernel_of(32, 16, 3, 3)
    found = start_for(kernel, 30, sweeps=50)
    polished = polish(kernel, found)
    assert polished.error < found.error - 0.005
    free = polish(kernel, found, ridge=0.0)
    assert polished.rho < 0.8 * free.rho
    assert polished.error < free.error + 0.01
    norm = float(kernel.norm())
    again = float((kernel - polished.factors.kernel()).norm()) / norm
    assert polished.error == pytest.approx(again)
    assert polished.errors == (*found.errors, polished.error)


def test_terms_stay_balanced():
    kernel = kernel_of(12, 8, 3, 3)
    polished = polish(kernel, start_for(kernel, 5, sweeps=5))
    norms = torch.stack([factor.norm(dim=0) for factor in polished.factors.all])
    assert torch.allclose(norms, norms[:1].expand_as(norms))


def test_the_scale_of_the_weights_does_not_matter():
    kernel = kernel_of(12, 8, 3, 3)
    errors = [
        polish(scale * kernel, start_for(scale * kernel, 5, sweeps=5)).error
        for scale in (1e-3, 1.0, 1e3)
    ]
    assert errors == pytest.approx([errors[1]] * 3, rel=1e-3)


def test_what_cannot_be_improved_is_returned_as_it_is():
    kernel = kernel_of(6, 4, 3, 3)
    exact = exact_factors(kernel)
    found = cp_als.Decomposition(exact, (0.0,), 1.0)
    assert polish(kernel, found) is found
    assert polish(kernel, found, steps=0) is found


def test_it_is_deterministic():
    kernel = kernel_of(12, 8, 3, 3)
    found = start_for(kernel, 5, sweeps=5)
    first, second = polish(kernel, found).factors, polish(kernel, found).factors
    assert all(torch.equal(*pair) for pair in zip(first.all, second.all, strict=True))


def test_every_evaluation_is_reported_and_may_cancel():
    kernel, told = kernel_of(12, 8, 3, 3), []
    found = start_for(kernel, 5, sweeps=5)
    polish(kernel, found, steps=4, report=lambda *event: told.append(event))
    assert [step for step, _ in told] == list(range(len(told)))
    assert told[0][1] == pytest.approx(found.error, rel=1e-6)
    assert len(told) >= 4

    def cancel(step, error):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        polish(kernel, found, report=cancel)
