"""All factors of a CP decomposition improved at once, where alternating steps crawl.

References
----------
.. [1] Acar et al., "A scalable optimization approach for fitting canonical tensor decompositions",
   Journal of Chemometrics 25, 2011 (gradients of all factors at once, and the ridge).
.. [2] Lebedev et al., ICLR 2015, arXiv:1412.6553 (all at once is clearly better than greedy).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from emostudio.compression.cp_als import Decomposition, Factors

_RIDGE = 1e-3


def polish(
    kernel: torch.Tensor,
    found: Decomposition,
    *,
    steps: int = 100,
    ridge: float = _RIDGE,
    report: Callable[[int, float], None] = lambda step, error: None,
) -> Decomposition:
    """Improve a decomposition by L-BFGS on all its factors.

    Parameters
    ----------
    kernel
        Shape (C_out, C_in, kH, kW).
    found
        Where to start.
    steps
        Most steps; 0 returns `found`.
    ridge
        Share of the mean diagonal of a factor's Gram matrix that holds the norms down.
    report
        Called with the evaluation of the objective and its relative error; may raise to cancel.

    Returns
    -------
    A decomposition with a smaller error, or `found` itself where there is none.
    """
    target = kernel.detach().to("cpu", torch.float64)
    norm = float(target.norm())
    if not steps or norm == 0.0:
        return found
    # of a kernel of norm one, so that the steps do not depend on the scale of the weights
    share = norm**-0.25
    free = [(factor * share).requires_grad_() for factor in found.factors.balanced().all]
    with torch.no_grad():
        penalty = ridge * float(free[0].pow(2).sum(dim=0).pow(3).mean())
    optimiser = torch.optim.LBFGS(
        free, max_iter=steps, history_size=20, tolerance_grad=0.0, tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    evaluations = 0

    def objective() -> torch.Tensor:
        nonlocal evaluations
        optimiser.zero_grad()
        lost = (Factors(*free).kernel() - target / norm).pow(2).sum()
        loss = 0.5 * lost + 0.5 * penalty * torch.stack([f.pow(2).sum() for f in free]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        report(evaluations, float(lost.detach().sqrt()))
        evaluations += 1
        return loss

    optimiser.step(objective)  # type: ignore[no-untyped-call]
    factors = Factors(*(factor.detach() / share for factor in free)).balanced()
    error = float((target - factors.kernel()).norm()) / norm
    if not error < found.error:
        return found
    return Decomposition(factors, (*found.errors, error), factors.degeneracy(norm))
