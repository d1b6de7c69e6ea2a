"""CP decomposition of a convolution kernel by alternating ridge least squares.

A kernel W[t, s, y, x] becomes sum_r A[t, r] B[s, r] C[y, r] D[x, r].

References
----------
.. [1] Lebedev et al., "Speeding-up convolutional neural networks using fine-tuned
   CP-decomposition", ICLR 2015, arXiv:1412.6553.
.. [2] Phan et al., "Stable low-rank tensor decomposition for compression of convolutional
   neural network", ECCV 2020, arXiv:2008.05441 (on cancelling terms).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

_BALANCE_EVERY = 10


@dataclass(frozen=True)
class Factors:
    """A (C_out, R), B (C_in, R), C (kH, R) and D (kW, R), float64."""

    out_factor: torch.Tensor
    in_factor: torch.Tensor
    row_factor: torch.Tensor
    column_factor: torch.Tensor

    @property
    def all(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """The factors in the order of the kernel's modes."""
        return (self.out_factor, self.in_factor, self.row_factor, self.column_factor)

    @property
    def rank(self) -> int:
        """Number of terms."""
        return self.out_factor.shape[1]

    def kernel(self) -> torch.Tensor:
        """Return the kernel (C_out, C_in, kH, kW) the factors stand for."""
        # one matrix product at the end: summing over r any earlier needs far larger arrays
        taps = self.row_factor[:, None] * self.column_factor[None]
        rest = self.in_factor[:, None, None] * taps[None]
        return (self.out_factor @ rest.flatten(0, 2).T).reshape(-1, *rest.shape[:3])

    def balanced(self) -> Factors:
        """Return the same kernel with the norm of each term spread evenly over its factors."""
        norms = [factor.norm(dim=0).clamp_min(1e-300) for factor in self.all]
        target = torch.stack(norms).log().mean(dim=0).exp()
        return Factors(*(f * (target / norm) for f, norm in zip(self.all, norms, strict=True)))

    def degeneracy(self, kernel_norm: float) -> float:
        """Return rho: the norm of the separate terms over the norm of the kernel.

        Large values mean that huge terms cancel each other, which fine-tuning cannot survive.
        """
        norms = torch.stack([factor.norm(dim=0) for factor in self.all]).prod(dim=0)
        return float(norms.norm()) / max(kernel_norm, 1e-300)


@dataclass(frozen=True)
class Decomposition:
    """Factors, relative error after each sweep, and the degeneracy rho."""

    factors: Factors
    errors: tuple[float, ...]
    rho: float

    @property
    def error(self) -> float:
        """Norm of the remainder over the norm of the kernel."""
        return self.errors[-1]


def random_start(
    shape: tuple[int, int, int, int], rank: int, generator: torch.Generator
) -> Factors:
    """Return factors drawn from N(0, 1)."""
    return Factors(
        *(torch.randn(side, rank, generator=generator, dtype=torch.float64) for side in shape)
    )


def decompose(
    kernel: torch.Tensor,
    start: Factors,
    *,
    sweeps: int = 100,
    ridge: tuple[float, float] = (1e-2, 1e-4),
    tolerance: float = 1e-8,
    report: Callable[[int, float], None] = lambda sweep, error: None,
) -> Decomposition:
    """Improve `start` by alternating least squares.

    Parameters
    ----------
    kernel
        Shape (C_out, C_in, kH, kW).
    start
        Factors to begin with; their rank is kept.
    sweeps
        Most sweeps over the four factors.
    ridge
        First and last share of the mean diagonal of the Gram matrix added to it; annealed
        geometrically. It keeps terms from growing against each other.
    tolerance
        Ends once the relative error changes less than this per sweep and the ridge is annealed.
    report
        Called with sweep and relative error after each sweep; may raise to cancel.
    """
    target = kernel.detach().to("cpu", torch.float64)
    c_out, c_in, height, width = target.shape
    flat = target.reshape(c_out, c_in, height * width)
    norm = float(target.norm())
    factors, errors = start, []
    for sweep in range(sweeps):
        share = _annealed(ridge, sweep, sweeps)
        factors = _sweep(flat, factors, (height, width), share)
        if sweep % _BALANCE_EVERY == _BALANCE_EVERY - 1:
            factors = factors.balanced()
        errors.append(float((target - factors.kernel()).norm()) / max(norm, 1e-300))
        report(sweep, errors[-1])
        settled = len(errors) > 1 and abs(errors[-2] - errors[-1]) < tolerance
        if settled and share <= ridge[1] * 1.01:
            break
    factors = factors.balanced()
    return Decomposition(factors, tuple(errors), factors.degeneracy(norm))


def _annealed(ridge: tuple[float, float], sweep: int, sweeps: int) -> float:
    first, last = ridge
    if first <= 0 or last <= 0:
        return max(last, 0.0)
    # reached at four fifths, so that the last sweeps converge at the final ridge
    position = min(sweep / max(0.8 * (sweeps - 1), 1), 1.0)
    return float(first * (last / first) ** position)


def _sweep(
    flat: torch.Tensor, factors: Factors, kernel_size: tuple[int, int], ridge: float
) -> Factors:
    """Solve for each factor in turn; `flat` is the kernel as (C_out, C_in, kH * kW)."""
    a, b, c, d = factors.all
    spatial = _spatial(c, d)
    contracted = torch.einsum("tsk,sr->ktr", flat, b)
    a = _solve((contracted * spatial[:, None, :]).sum(0), [b, c, d], ridge)
    per_tap = (contracted * a[None]).sum(1).reshape(*kernel_size, -1)
    c = _solve((per_tap * d[None]).sum(1), [a, b, d], ridge)
    d = _solve((per_tap * c[:, None]).sum(0), [a, b, c], ridge)
    contracted = torch.einsum("tsk,tr->ksr", flat, a)
    b = _solve((contracted * _spatial(c, d)[:, None, :]).sum(0), [a, c, d], ridge)
    return Factors(a, b, c, d)


def _spatial(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    return (rows[:, None, :] * columns[None, :, :]).reshape(-1, rows.shape[1])


def _solve(product: torch.Tensor, others: list[torch.Tensor], ridge: float) -> torch.Tensor:
    gram = torch.ones(product.shape[1], product.shape[1], dtype=torch.float64)
    for factor in others:
        gram = gram * (factor.T @ factor)
    # the floor keeps a singular Gram matrix solvable when no ridge is wanted
    amount = max(ridge, 1e-12) * float(gram.diagonal().mean())
    regular = gram + amount * torch.eye(gram.shape[0], dtype=torch.float64)
    solution: torch.Tensor = torch.linalg.solve(regular, product.T)
    return solution.T
