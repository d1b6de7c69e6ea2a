import threading

import pytest
import torch

from emostudio.compression.subspaces import (
    energies_of,
    leading_basis,
    rank_for_energy,
    two_factors,
    while_reporting,
)


def matrix(rows, columns, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)).double()


def test_the_basis_is_orthonormal_even_without_full_rank():
    basis, _ = leading_basis(matrix(12, 3))
    assert torch.allclose(basis.T @ basis, torch.eye(12).double(), atol=1e-12)


@pytest.mark.parametrize("shape", [(9, 14), (14, 9)])
def test_energies_are_the_squared_singular_values(shape):
    expected = torch.linalg.svdvals(matrix(*shape)) ** 2
    assert torch.allclose(energies_of(matrix(*shape)), expected)


@pytest.mark.parametrize("shape", [(9, 14), (14, 9)])
@pytest.mark.parametrize("rank", [1, 4, 9])
def test_two_factors_lose_only_the_discarded_singular_values(shape, rank):
    target = matrix(*shape)
    left, right = two_factors(target, rank)
    assert left.shape == (shape[0], rank)
    assert right.shape == (rank, shape[1])
    lost = (torch.linalg.svdvals(target)[rank:] ** 2).sum()
    assert torch.allclose((target - left @ right).pow(2).sum(), lost, atol=1e-10)
    assert torch.allclose(left.norm(dim=0), right.norm(dim=1))


def test_a_rank_beyond_that_of_the_matrix_stays_exact_and_finite():
    target = matrix(8, 2) @ matrix(2, 8, seed=1)
    left, right = two_factors(target, 5)
    assert torch.allclose(left @ right, target, atol=1e-7)
    assert float(left.abs().max()) < 10


@pytest.mark.parametrize(("share", "rank"), [(0.5, 1), (0.64, 1), (0.65, 2), (1.0, 3)])
def test_the_rank_is_the_smallest_that_keeps_the_energy(share, rank):
    assert rank_for_energy(torch.tensor([16.0, 8.0, 1.0, 0.0]), share) == rank


def test_waiting_returns_the_result_and_reports():
    told = []
    release = threading.Event()

    def report():
        told.append(1)
        if len(told) == 3:
            release.set()

    assert while_reporting(lambda: release.wait(30) and "done", report) == "done"
    assert len(told) >= 3


def test_an_error_of_the_work_reaches_the_caller():
    def fail():
        raise TimeoutError("of the work itself")

    with pytest.raises(TimeoutError, match="itself"):
        while_reporting(fail, lambda: None)


def test_cancelling_does_not_wait_for_the_work():
    release, told = threading.Event(), []

    def report():
        told.append(1)
        if len(told) > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        while_reporting(lambda: release.wait(30), report)
    release.set()
