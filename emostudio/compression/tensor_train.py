"""Tensor trains: a large matrix as a chain of small cores, and the arithmetic with them.

A matrix (O, I) with O = m1...md and I = n1...nd is W[(i1..id), (j1..jd)] =
G1[i1, j1] ... Gd[id, jd]; core Gk has shape (r_{k-1}, m_k, n_k, r_k) with r_0 = r_d = 1.

References
----------
.. [1] Novikov et al., "Tensorizing neural networks", NeurIPS 2015, arXiv:1509.06569.
.. [2] Oseledets, "Tensor-train decomposition", SIAM J. Sci. Comput., 2011.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray

from emostudio.core.errors import InputError

_FEWEST_MODES = 3


@dataclass(frozen=True)
class TrainShape:
    """The sizes of a tensor train.

    Attributes
    ----------
    out_modes, in_modes
        m_1..m_d and n_1..n_d.
    ranks
        r_0..r_d.
    """

    out_modes: tuple[int, ...]
    in_modes: tuple[int, ...]
    ranks: tuple[int, ...]

    @property
    def cores(self) -> tuple[tuple[int, int, int, int], ...]:
        """Shape (r_{k-1}, m_k, n_k, r_k) of every core."""
        sizes = zip(self.ranks, self.out_modes, self.in_modes, self.ranks[1:], strict=False)
        return tuple(sizes)

    @property
    def parameter_count(self) -> int:
        """Numbers in all cores."""
        return sum(prod(core) for core in self.cores)

    @property
    def mac_count(self) -> int:
        """Multiply-adds of one matrix-vector product, core by core."""
        total, outputs = 0, 1
        for position, (before, out_mode, in_mode, behind) in enumerate(self.cores):
            rest = prod(self.in_modes[position + 1 :])
            total += outputs * rest * before * in_mode * out_mode * behind
            outputs *= out_mode
        return total


def train_shape(
    out_modes: Sequence[int], in_modes: Sequence[int], rank: int, first_rank: int = 1
) -> TrainShape:
    """Return a train's sizes; ranks above the largest useful one are cut down to it.

    Parameters
    ----------
    out_modes, in_modes
        Modes of both sides, as many of each.
    rank
        Wanted for every inner place.
    first_rank
        r_0; above 1 where the train hangs on something else.
    """
    pairs = [first_rank, *(m * n for m, n in zip(out_modes, in_modes, strict=True))]
    ranks = [first_rank]
    for place in range(1, len(pairs) - 1):
        useful = min(prod(pairs[: place + 1]), prod(pairs[place + 1 :]))
        ranks.append(min(rank, useful))
    return TrainShape(tuple(out_modes), tuple(in_modes), (*ranks, 1))


def prime_factors(number: int) -> tuple[int, ...]:
    """Return the prime factors in ascending order, as often as they occur."""
    factors, candidate = [], 2
    while candidate * candidate <= number:
        while number % candidate == 0:
            factors.append(candidate)
            number //= candidate
        candidate += 1
    return (*factors, number) if number > 1 else tuple(factors)


def balanced_modes(number: int, count: int) -> tuple[int, ...]:
    """Split a number into factors as equal as its primes allow, in ascending order.

    Parameters
    ----------
    number
        What to split.
    count
        How many factors, each at least 2.

    Raises
    ------
    InputError
        If it has fewer prime factors than that.
    """
    factors = prime_factors(number)
    if len(factors) < count:
        raise InputError(
            f"dimension {number} cannot be split into {count} modes",
            why=f"its factors are {', '.join(map(str, factors))}",
            next_step="Choose fewer modes",
        )
    bins = [1] * count
    for factor in sorted(factors, reverse=True):
        bins[bins.index(min(bins))] *= factor
    return tuple(sorted(bins))


def given_modes(text: str, number: int) -> tuple[int, ...]:
    """Read modes a user wrote, such as ``4x4x11x23``.

    Raises
    ------
    InputError
        If they do not multiply to `number`, naming its factors and modes that do.
    """
    words = text.replace("*", "x").split("x")
    modes = tuple(int(word) if word.strip().isdigit() else 0 for word in words)
    if prod(modes) != number or min(modes) < 1 or len(modes) < 2:
        factors = prime_factors(number)
        count = min(4, len(factors))
        fitting = balanced_modes(number, count)
        raise InputError(
            f"dimension {number} has factors {', '.join(map(str, dict.fromkeys(factors)))}: choose "
            f"{count} modes ({','.join(map(str, fitting))})",
            why=f"{text} does not multiply to it",
        )
    return modes


def has_enough_factors(number: int) -> bool:
    """Whether a dimension can be split into three modes."""
    return len(prime_factors(number)) >= _FEWEST_MODES


def contract(states: torch.Tensor, cores: Sequence[torch.Tensor]) -> torch.Tensor:
    """Multiply vectors by a train, core by core; the matrix is never built.

    Parameters
    ----------
    states
        (N, r_0, n_1 * ... * n_d).
    cores
        Shapes (r_{k-1}, m_k, n_k, r_k).

    Returns
    -------
    (N, m_1 * ... * m_d).
    """
    count = states.shape[0]
    states = states.reshape(count, 1, states.shape[1], -1)
    for core in cores:
        before, out_mode, in_mode, behind = core.shape
        outputs = states.shape[1]
        states = states.reshape(count, outputs, before * in_mode, -1)
        matrix = core.permute(1, 3, 0, 2).reshape(out_mode * behind, before * in_mode)
        states = torch.matmul(matrix, states).reshape(count, outputs * out_mode, behind, -1)
    return states.reshape(count, -1)


def dense_matrix(cores: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the matrix (O, I) of a train with r_0 = 1."""
    return dense_tensor(cores)[0]


def dense_tensor(cores: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return (r_0, O, I) for cores of shapes (r_{k-1}, m_k, n_k, r_k)."""
    first = cores[0]
    whole = first.permute(0, 1, 2, 3)
    for core in cores[1:]:
        whole = torch.einsum("ramq,qbns->rabmns", whole, core)
        r, a, b, m, n, s = whole.shape
        whole = whole.reshape(r, a * b, m * n, s)
    return whole[..., 0]


def decompose(
    matrix: NDArray[np.float64], out_modes: Sequence[int], in_modes: Sequence[int], rank: int
) -> tuple[list[NDArray[np.float64]], float]:
    """Split a matrix into a train by truncated singular value decompositions, one after another.

    Parameters
    ----------
    matrix
        (O, I), or (r_0, O, I) for a train that hangs on something else.
    out_modes, in_modes
        Modes of both sides.
    rank
        Largest rank.

    Returns
    -------
    The cores, and the sum of the squares of all discarded singular values, which bounds the squared
    error.
    """
    count = len(out_modes)
    whole = matrix if matrix.ndim == 3 else matrix[None]
    first_rank = whole.shape[0]
    tensor = whole.reshape(first_rank, *out_modes, *in_modes)
    axes = itertools.chain.from_iterable((1 + k, 1 + count + k) for k in range(count))
    rest = tensor.transpose(0, *axes)
    shape = train_shape(out_modes, in_modes, rank, first_rank)
    cores, discarded, before = [], 0.0, first_rank
    for place in range(count - 1):
        rows = before * out_modes[place] * in_modes[place]
        left, values, right = np.linalg.svd(rest.reshape(rows, -1), full_matrices=False)
        kept = shape.ranks[place + 1]
        discarded += float(np.sum(values[kept:] ** 2))
        cores.append(left[:, :kept].reshape(before, out_modes[place], in_modes[place], kept))
        rest, before = values[:kept, None] * right[:kept], kept
    cores.append(rest.reshape(before, out_modes[-1], in_modes[-1], 1))
    return cores, discarded


def core_deviation(shape: TrainShape, fan_in: int) -> float:
    """Return the standard deviation of core entries that gives the matrix a variance of 2 / I."""
    inner = prod(shape.ranks[1:-1]) * shape.ranks[0]
    return float((2.0 / fan_in / inner) ** (1.0 / (2 * len(shape.out_modes))))
