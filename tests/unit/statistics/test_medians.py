import numpy as np
import pytest
from scipy.stats import binom

from emostudio.statistics.medians import median_interval


def test_the_interval_holds_order_statistics():
    median, low, high = median_interval(list(range(100)))
    # 39 below and 39 above; the pair 40 and 60 that stood here was no mirror and covered less
    assert (median, low, high) == (49.5, 39, 60)


def test_twelve_values_leave_out_two_on_either_side():
    assert median_interval(list(range(12))) == (5.5, 2, 9)


def exact_coverage(count, low):
    """How often the values at `low` and its mirror enclose the median, by the binomial."""
    return float(1 - 2 * binom.cdf(low, count, 0.5))


@pytest.mark.parametrize("count", [*range(6, 200), 2000])
def test_the_bounds_are_the_closest_mirrors_that_cover_the_median(count):
    _, low, high = median_interval(list(range(count)))
    assert low + high == count - 1
    assert exact_coverage(count, low) >= 0.95
    assert exact_coverage(count, low + 1) < 0.95


def test_few_values_give_their_range():
    assert median_interval([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)


def test_nothing_has_no_median():
    with pytest.raises(ValueError, match="at least one"):
        median_interval([])


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        _, low, high = median_interval(random.exponential(size=60))
        covered += low <= np.log(2) <= high
    assert covered / 400 > 0.93
