"""Shapley values: what each part of a whole gave, in shares that sum exactly to it.

References
----------
.. [1] Shapley, "A value for n-person games", Contributions to the Theory of Games II, 1953.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from math import factorial


def shapley_values(worth: Mapping[frozenset[int], float], count: int) -> tuple[Fraction, ...]:
    """Return the share of each of `count` parts.

    Parameters
    ----------
    worth
        Worth of every subset of ``range(count)``, the empty one included.
    count
        Number of parts, at most 8 (the subsets are all asked).

    Returns
    -------
    Exact fractions; their sum is the worth of all less the worth of none, to the last bit.

    Raises
    ------
    ValueError
        If a subset is missing.
    """
    shares = []
    for part in range(count):
        others = [other for other in range(count) if other != part]
        share = Fraction(0)
        for size in range(count):
            weight = Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
            for chosen in combinations(others, size):
                without = frozenset(chosen)
                share += weight * (_worth(worth, without | {part}) - _worth(worth, without))
        shares.append(share)
    return tuple(shares)


def _worth(worth: Mapping[frozenset[int], float], subset: frozenset[int]) -> Fraction:
    try:
        return Fraction(worth[subset])
    except KeyError:
        raise ValueError(f"the worth of {sorted(subset)} is missing") from None
