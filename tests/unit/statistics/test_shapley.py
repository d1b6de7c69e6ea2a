from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest

from emostudio.statistics.shapley import shapley_values


def subsets(count):
    return [frozenset(c) for size in range(count + 1) for c in combinations(range(count), size)]


def by_permutations(worth, count):
    """Return the mean of each part's contribution over all orders of joining."""
    totals, orders = [0.0] * count, list(permutations(range(count)))
    for order in orders:
        present = frozenset()
        for part in order:
            totals[part] += worth[present | {part}] - worth[present]
            present |= {part}
    return [total / len(orders) for total in totals]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_shares_are_the_mean_over_all_orders_and_sum_exactly(count):
    generator = np.random.default_rng(count)
    worth = {subset: float(generator.normal()) for subset in subsets(count)}
    shares = shapley_values(worth, count)
    assert [float(share) for share in shares] == pytest.approx(by_permutations(worth, count))
    everything, nothing = worth[frozenset(range(count))], worth[frozenset()]
    assert sum(shares) == Fraction(everything) - Fraction(nothing)


def test_a_part_that_changes_nothing_has_no_share():
    worth = {subset: float(len(subset - {1})) for subset in subsets(3)}
    assert shapley_values(worth, 3) == (1, 0, 1)


def test_a_missing_subset_is_named():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        shapley_values({frozenset(): 0.0, frozenset({0}): 1.0, frozenset({1}): 1.0}, 2)
