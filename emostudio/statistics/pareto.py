"""Pareto fronts: which variants no other variant beats on all counts, and which is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> list[bool]:
    """Mark the points for which no other is at least as good in both and better in one.

    Parameters
    ----------
    costs
        Less is better, such as latency in ms.
    values
        More is better, such as accuracy.

    Returns
    -------
    True per point on the frontier. Equal points are both on it.
    """
    points = list(zip(costs, values, strict=True))
    return [not any(_dominates(other, point) for other in points) for point in points]


def frontier_order(costs: Sequence[float], values: Sequence[float]) -> list[int]:
    """Return the indices of the frontier by rising cost: the corners of its staircase."""
    front = pareto_front(costs, values)
    return sorted((i for i, on in enumerate(front) if on), key=lambda i: (costs[i], values[i]))


def _dominates(other: tuple[float, float], point: tuple[float, float]) -> bool:
    no_worse = other[0] <= point[0] and other[1] >= point[1]
    return no_worse and other != point


class Standing(StrEnum):
    """Where a point stands among the others, as far as that is proved."""

    FRONTIER = "frontier"
    """Proved better than each other point in something, so that none can dominate it."""
    DOMINATED = "dominated"
    """Another one is proved better in something and no worse in the rest, where this one in turn
    is proved better in nothing."""
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Proved:
    """What is proved about every point (row) against every other (column) in one quantity.

    Attributes
    ----------
    better
        Bool (n, n): the interval lies wholly on the good side.
    no_worse
        Bool (n, n): the interval rules out a loss beyond the margin; holds wherever `better` does.
    """

    better: NDArray[np.bool_]
    no_worse: NDArray[np.bool_]


def standings(cost: Proved, value: Proved) -> list[Standing]:
    """Place points by what is proved about pairs, not by where they happen to lie.

    Two copies of one model are better than each other in nothing, so both stay undecided, however
    exactly they are measured.

    Parameters
    ----------
    cost, value
        About the same n points in the same order.
    """
    others = ~np.eye(len(cost.better), dtype=bool)
    # a loss within the margin does not count, but one that is proved is a point for the other
    by_cost = cost.better & value.no_worse & ~value.better.T
    by_value = value.better & cost.no_worse & ~cost.better.T
    beats = by_cost | by_value
    is_dominated = np.any(beats & others, axis=0)
    is_safe = np.all(cost.better | value.better | ~others, axis=1)
    return [
        Standing.DOMINATED if lost else Standing.FRONTIER if safe else Standing.UNDECIDED
        for lost, safe in zip(is_dominated.tolist(), is_safe.tolist(), strict=True)
    ]
