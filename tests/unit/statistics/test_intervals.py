import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from emostudio.statistics.intervals import mean_p_value, newcombe, t_interval, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Stat. Med. 17, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_published_values(successes, count, low, high):
    assert wilson(successes, count) == pytest.approx((low, high), abs=6e-5)


def test_wilson_of_nothing_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_refuses_impossible_counts():
    with pytest.raises(ValueError, match="not a share"):
        wilson(3, 2)


@pytest.mark.parametrize(("successes", "count"), [(0, 1), (7, 10), (288, 288), (19, 36)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_equals_scipy(successes, count, confidence):
    from scipy.stats import binomtest

    found = binomtest(successes, count).proportion_ci(confidence, method="wilson")
    assert wilson(successes, count, confidence) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((48, 80), (56, 70), 0.0524, 0.3339),  # Newcombe 1998, Stat. Med. 17, table II, method 10
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((2, 7), (6, 7), 0.0582, 0.8062),
        ((0, 29), (5, 56), -0.0381, 0.1926),
        ((0, 20), (0, 10), -0.1611, 0.2775),
        ((0, 10), (10, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_equals_published_values(first, second, low, high):
    difference, *found = newcombe(*first, *second)
    assert found == pytest.approx((low, high), abs=6e-5)
    assert difference == pytest.approx(second[0] / second[1] - first[0] / first[1])


def test_newcombe_needs_trials_on_both_sides():
    with pytest.raises(ValueError, match="both sides"):
        newcombe(1, 2, 0, 0)


@pytest.mark.parametrize("share", [0.1, 0.65, 0.95])
def test_wilson_covers_the_true_share_about_95_times_in_100(share):
    hits = np.random.default_rng(1).binomial(321, share, size=4000)
    covered = [low <= share <= high for low, high in (wilson(int(hit), 321) for hit in hits)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_t_interval_is_wider_for_fewer_values():
    generator = np.random.default_rng(2)
    few, many = t_interval(generator.normal(size=5)), t_interval(generator.normal(size=500))
    assert few[2] - few[1] > many[2] - many[1] > 0


def test_t_interval_covers_the_true_mean_about_95_times_in_100():
    draws = np.random.default_rng(3).normal(0.3, 2.0, size=(4000, 10))
    covered = [low <= 0.3 <= high for _, low, high in map(t_interval, draws)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_t_interval_needs_two_values():
    with pytest.raises(ValueError, match="two values"):
        t_interval([1.0])


def test_equal_values_have_an_interval_of_no_width():
    assert t_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)
    assert math.isclose(t_interval([1.0, 3.0])[0], 2.0)


@pytest.mark.parametrize("shift", [-2.0, 0.0, 0.4, 1.5])
def test_the_p_value_of_a_mean_is_student_s(shift):
    values = np.random.default_rng(5).normal(size=6) + shift
    assert mean_p_value(values) == pytest.approx(ttest_1samp(values, 0).pvalue, rel=1e-9)


def test_values_all_alike_are_certain():
    assert mean_p_value([2.0, 2.0, 2.0]) == 0.0
    assert mean_p_value([0.0, 0.0]) == 1.0
    with pytest.raises(ValueError, match="two values"):
        mean_p_value([1.0])
