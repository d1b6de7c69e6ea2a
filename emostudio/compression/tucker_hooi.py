"""Tucker-2 decomposition of a convolution kernel by higher-order orthogonal iteration.

A kernel W[t, s, y, x] becomes sum_ab G[a, b, y, x] U[t, a] V[s, b] with orthonormal U and V.

References
----------
.. [1] De Lathauwer et al., "On the best rank-1 and rank-(R1, ..., RN) approximation of
   higher-order tensors", SIAM J. Matrix Anal. Appl. 21, 2000.
.. [2] Kim et al., "Compression of deep convolutional neural networks for fast and low power mobile
   applications", ICLR 2016, arXiv:1511.06530.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt

import torch

from emostudio.compression.evbmf import clamped_rank, evbmf_rank
from emostudio.compression.subspaces import energies_of, leading_basis


@dataclass(frozen=True)
class Tucker:
    """Core (R_out, R_in, kH, kW), orthonormal U (C_out, R_out) and V (C_in, R_in), float64.

    `errors` holds the relative error after each sweep.
    """

    core: torch.Tensor
    out_factor: torch.Tensor
    in_factor: torch.Tensor
    errors: tuple[float, ...]

    def kernel(self) -> torch.Tensor:
        """Return the kernel (C_out, C_in, kH, kW) the parts stand for."""
        return torch.einsum("abyx,ta,sb->tsyx", self.core, self.out_factor, self.in_factor)


def parameter_count(shape: tuple[int, int, int, int], out_rank: int, in_rank: int) -> int:
    """Return the weights of core and factors of a kernel (C_out, C_in, kH, kW)."""
    c_out, c_in, height, width = shape
    return c_in * in_rank + in_rank * out_rank * height * width + c_out * out_rank


def budget_ranks(shape: tuple[int, int, int, int], budget: float) -> tuple[int, int]:
    """Return (R_out, R_in), the same share of C_out and C_in, that need `budget` of the weights.

    The share beta solves kH kW C_out C_in beta^2 + (C_out^2 + C_in^2) beta = budget * weights.
    """
    c_out, c_in = shape[:2]
    weights, linear = prod(shape), c_out**2 + c_in**2
    share = (sqrt(linear**2 + 4 * budget * weights**2) - linear) / (2 * weights)
    return (max(int(share * c_out), 1), max(int(share * c_in), 1))


def vbmf_ranks(kernel: torch.Tensor, factor: float = 1.0) -> tuple[int, int]:
    """Return (R_out, R_in) that stand out of the noise of both unfoldings, within sane bounds."""
    found = []
    for unfolding in unfoldings(kernel):
        rank = evbmf_rank(energies_of(unfolding).sqrt().numpy(), *unfolding.shape)
        found.append(clamped_rank(rank, unfolding.shape[0], factor))
    return (found[0], found[1])


def unfoldings(kernel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the kernel as matrices (C_out, C_in kH kW) and (C_in, C_out kH kW)."""
    return (kernel.flatten(1), kernel.transpose(0, 1).flatten(1))


def decompose(
    kernel: torch.Tensor,
    ranks: tuple[int, int],
    *,
    sweeps: int = 50,
    tolerance: float = 1e-7,
    report: Callable[[int, float], None] = lambda sweep, error: None,
) -> Tucker:
    """Find the subspaces that keep most of the kernel.

    Parameters
    ----------
    kernel
        Shape (C_out, C_in, kH, kW).
    ranks
        (R_out, R_in), at most (C_out, C_in).
    sweeps
        Most sweeps over both factors; the first starts from truncated SVDs of the unfoldings.
    tolerance
        Ends once the relative error changes less than this per sweep.
    report
        Called with sweep and relative error after each sweep; may raise to cancel.
    """
    target = kernel.detach().to("cpu", torch.float64)
    norm = float(target.norm())
    in_factor = leading_basis(unfoldings(target)[1])[0][:, : ranks[1]]
    errors: list[float] = []
    while True:
        projected = torch.einsum("tsyx,sb->tbyx", target, in_factor)
        out_factor = leading_basis(unfoldings(projected)[0])[0][:, : ranks[0]]
        projected = torch.einsum("tsyx,ta->asyx", target, out_factor)
        in_factor = leading_basis(unfoldings(projected)[1])[0][:, : ranks[1]]
        core = torch.einsum("asyx,sb->abyx", projected, in_factor)
        # orthonormal factors: what the core does not hold is the error
        lost = max(norm**2 - float(core.norm()) ** 2, 0.0)
        errors.append(sqrt(lost) / max(norm, 1e-300))
        report(len(errors) - 1, errors[-1])
        settled = len(errors) > 1 and abs(errors[-2] - errors[-1]) < tolerance
        if settled or len(errors) >= sweeps:
            return Tucker(core, out_factor, in_factor, tuple(errors))
