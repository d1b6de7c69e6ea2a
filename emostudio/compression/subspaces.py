"""Leading subspaces of matrices: the plain ground of truncated SVD and of Tucker.

Both go through the Gram matrix of the smaller side. That loses digits of the small singular
values only; the basis stays orthonormal to machine precision, so projecting on all of it is exact.

References
----------
.. [1] Golub and Van Loan, "Matrix Computations", 4th edition, section 8.6.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

_Result = TypeVar("_Result")

_REPORT_S = 0.3


def leading_basis(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the left singular vectors, strongest first, and the squared singular values.

    Parameters
    ----------
    matrix
        Shape (rows, columns).

    Returns
    -------
    Orthonormal basis (rows, rows) and energies (rows,), float64.
    """
    wide = matrix.detach().to("cpu", torch.float64)
    energies, basis = torch.linalg.eigh(wide @ wide.T)
    return basis.flip(1), energies.flip(0).clamp_min(0.0)


def energies_of(matrix: torch.Tensor) -> torch.Tensor:
    """Return the squared singular values of `matrix`, largest first, shape (min(shape),)."""
    wide = matrix.detach().to("cpu", torch.float64)
    flat = wide if wide.shape[0] <= wide.shape[1] else wide.T
    energies: torch.Tensor = torch.linalg.eigvalsh(flat @ flat.T)
    return energies.flip(0).clamp_min(0.0)


def rank_for_energy(energies: torch.Tensor, share: float) -> int:
    """Return the smallest rank, at least 1, that keeps `share` of the squared norm."""
    kept = energies.cumsum(0)
    return min(int((kept < share * kept[-1]).sum()) + 1, len(energies))


def two_factors(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the best `left` (rows, rank) and `right` (rank, columns) with left @ right ~ matrix.

    Each gets the root of the singular values, so that neither dwarfs the other in training.
    """
    if matrix.shape[0] > matrix.shape[1]:
        left, right = two_factors(matrix.T, rank)
        return right.T, left.T
    basis, energies = leading_basis(matrix)
    basis = basis[:, :rank]
    scale = energies[:rank].pow(0.25)
    # directions without energy keep their unit vector: their partner is zero
    scale = torch.where(scale > 1e-6 * scale.max(), scale, 1.0)
    projected = basis.T @ matrix.detach().to("cpu", torch.float64)
    return basis * scale, projected / scale[:, None]


def while_reporting(work: Callable[[], _Result], report: Callable[[], None]) -> _Result:
    """Run `work`, one long call into a library, and call `report` several times a second.

    Parameters
    ----------
    work
        Runs in a thread of its own. Cancelled, it ends by itself and its result is dropped.
    report
        May raise to cancel.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="factors")
    try:
        report()
        future = executor.submit(work)
        while True:
            try:
                return future.result(timeout=_REPORT_S)
            except TimeoutError:
                if future.done():
                    raise
                report()
    finally:
        executor.shutdown(wait=False)
