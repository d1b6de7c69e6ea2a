import numpy as np
import pytest

from emostudio.statistics.medians import median_interval


def test_the_interval_holds_order_statistics():
    median, low, high = median_interval(list(range(100)))
    assert (median, low, high) == (49.5, 40, 60)


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
