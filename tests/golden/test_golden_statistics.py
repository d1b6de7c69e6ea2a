"""Our formulas against scipy's independent ones and against published tables."""

import numpy as np
import pytest
from scipy import stats

from emostudio.statistics.blocks import block_ratio
from emostudio.statistics.intervals import t_interval, wilson
from emostudio.statistics.paired import mcnemar_exact, paired_difference


@pytest.mark.parametrize(("successes", "count"), [(0, 5), (3, 7), (321, 321), (2310, 3589)])
def test_wilson_equals_scipy(successes, count):
    expected = stats.binomtest(successes, count).proportion_ci(0.95, method="wilson")
    assert wilson(successes, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (1, 9), (15, 32), (180, 210), (40, 40)])
def test_mcnemar_equals_the_exact_binomial_test(only_a, only_b):
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue
    assert mcnemar_exact(only_a, only_b) == pytest.approx(expected, abs=1e-12)


def test_t_interval_equals_scipy():
    values = np.random.default_rng(0).normal(size=30)
    expected = stats.t.interval(0.95, 29, loc=values.mean(), scale=stats.sem(values))
    assert t_interval(values)[1:] == pytest.approx(expected, abs=1e-12)


def test_block_ratio_equals_a_paired_t_test_on_logarithms():
    generator = np.random.default_rng(1)
    a, b = generator.lognormal(0, 0.1, (30, 21)), generator.lognormal(0.2, 0.1, (30, 21))
    ratio = block_ratio("a", "b", a, b)
    logs_a, logs_b = np.log(np.median(a, axis=1)), np.log(np.median(b, axis=1))
    expected = stats.ttest_rel(logs_b, logs_a).confidence_interval(0.95)
    assert np.log(ratio.interval) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_paired_difference_equals_the_closed_form_of_bonett_and_price():
    only_a, only_b, count = 16, 5, 80
    a = np.array([True] * only_a + [False] * only_b + [True] * (count - only_a - only_b))
    b = np.array([False] * only_a + [True] * only_b + [True] * (count - only_a - only_b))
    p_a, p_b = 17 / 82, 6 / 82
    half = stats.norm.ppf(0.975) * np.sqrt((p_a + p_b - (p_b - p_a) ** 2) / 82)
    difference, low, high = paired_difference(a, b)
    assert difference == pytest.approx(-11 / 80)
    assert (low, high) == pytest.approx((p_b - p_a - half, p_b - p_a + half), abs=1e-12)


def test_paired_difference_agrees_with_a_bootstrap_of_images():
    generator = np.random.default_rng(2)
    a = generator.random(2000) < 0.9
    b = np.where(generator.random(2000) < 0.9, a, ~a)
    _, low, high = paired_difference(a, b)
    draws = generator.integers(0, 2000, size=(4000, 2000))
    deltas = b.astype(int) - a.astype(int)
    expected = np.quantile(deltas[draws].mean(axis=1), [0.025, 0.975])
    assert (low, high) == pytest.approx(tuple(expected), abs=0.003)
