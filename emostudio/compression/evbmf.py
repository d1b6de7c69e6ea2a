"""How many singular values stand out of the noise: empirical variational Bayes.

References
----------
.. [1] Nakajima et al., "Global analytic solution of fully-observed variational Bayesian matrix
   factorization", JMLR 14, 2013 (theorem 2 and section 4).
.. [2] Kim et al., "Compression of deep convolutional neural networks for fast and low power mobile
   applications", ICLR 2016, arXiv:1511.06530 (ranks of convolutions).
"""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from scipy.optimize import minimize_scalar

_ROUND_TO = 8
_TAU = 2.5129  # times the root of alpha: the zero of the threshold equation in [1]

_ROUNDING = 1e-7  # singular values by way of a Gram matrix are no more exact than this


def evbmf_rank(singular_values: np.ndarray, rows: int, columns: int) -> int:
    """Return the number of components of a matrix that are more than noise.

    Parameters
    ----------
    singular_values
        All min(rows, columns) of them.
    rows, columns
        Shape of the matrix.

    Returns
    -------
    Often 0: the weights cannot be told from noise.
    """
    low, high = min(rows, columns), max(rows, columns)
    s = np.sort(np.asarray(singular_values, np.float64))[::-1]
    if not s.any():
        return 0
    alpha = low / high
    tau = _TAU * sqrt(alpha)
    threshold = (1 + tau) * (1 + alpha / tau)
    most = ceil(low / (1 + alpha)) - 1
    tail = np.maximum(s[most:], _ROUNDING * s[0]) ** 2
    most_noise = (s**2).sum() / (low * high)
    least_noise = min(max(tail[0] / (high * threshold), tail.mean() / high), most_noise)
    # searched as a logarithm: the noise of weights is far below one
    found = minimize_scalar(
        lambda log_noise: _free_energy(s**2 / (high * np.exp(log_noise)), alpha),
        bounds=(np.log(least_noise), np.log(most_noise)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return int((s**2 > high * np.exp(found.x) * threshold).sum())


def clamped_rank(rank: int, dimension: int, factor: float = 1.0) -> int:
    """Return `rank` times `factor`, rounded to 8, within [ceil(dimension / 16), dimension]."""
    least = _ROUND_TO * ceil(ceil(dimension / 16) / _ROUND_TO)
    rounded = _ROUND_TO * round(rank * factor / _ROUND_TO)
    return min(max(rounded, least), dimension)


def _free_energy(x: np.ndarray, alpha: float) -> float:
    """Return the free energy, up to constants, of normalised squared singular values `x`."""
    x = np.maximum(x, 1e-300)
    tau = _TAU * sqrt(alpha)
    large = x[x > (1 + tau) * (1 + alpha / tau)]
    small = x[x <= (1 + tau) * (1 + alpha / tau)]
    shifted = large - (1 + alpha)
    root = 0.5 * (shifted + np.sqrt(shifted**2 - 4 * alpha))
    energy = (small - np.log(small)).sum() + (large - root).sum()
    energy += np.log((root + 1) / large).sum() + alpha * np.log(root / alpha + 1).sum()
    return float(energy)
