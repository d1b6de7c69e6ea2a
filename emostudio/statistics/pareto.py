"""Pareto fronts: which variants no other variant beats on all counts."""

from __future__ import annotations

from collections.abc import Sequence


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
