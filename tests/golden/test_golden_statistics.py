"""Our formulas against scipy's, and where they use scipy, against the formulas written out."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from emostudio.statistics.blocks import block_ratio
from emostudio.statistics.intervals import t_interval, wilson
from emostudio.statistics.paired import holm, mcnemar_exact, paired_bootstrap, paired_difference


@pytest.mark.parametrize(("successes", "count"), [(0, 5), (3, 7), (321, 321), (2310, 3589)])
def test_wilson_equals_the_closed_form(successes, count):
    z, share = stats.norm.ppf(0.975), successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    expected = (max(0.0, centre - half), min(1.0, centre + half))
    assert wilson(successes, count) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (1, 9), (15, 32), (180, 210), (40, 40)])
def test_mcnemar_equals_the_coin_counted_out_exactly(only_a, only_b):
    total = only_a + only_b
    tail = sum(Fraction(math.comb(total, k), 2**total) for k in range(min(only_a, only_b) + 1))
    assert mcnemar_exact(only_a, only_b) == pytest.approx(float(min(1, 2 * tail)), abs=1e-9)


def test_holm_equals_closed_testing_with_bonferroni():
    p_values = [0.004, 0.03, 0.02, 0.011, 0.6]
    places = range(len(p_values))
    families = [[p for p in places if mask >> p & 1] for mask in range(1, 2 ** len(p_values))]
    # Holm is the shortcut of rejecting one only if every family with it is rejected
    expected = [
        min(1, max(len(f) * min(p_values[k] for k in f) for f in families if place in f))
        for place in places
    ]
    assert holm(p_values) == pytest.approx(expected, abs=1e-9)


def test_bootstrap_by_person_equals_drawing_people_by_hand():
    generator = np.random.default_rng(3)
    people = generator.integers(0, 25, 400)
    a, b = generator.random(400) < 0.8, generator.random(400) < 0.7
    found = paired_bootstrap(a, b, people)
    deltas = b.astype(int) - a.astype(int)
    sums = np.array([deltas[people == person].sum() for person in range(25)])
    sizes = np.array([(people == person).sum() for person in range(25)])
    draws = np.random.default_rng(0)
    means = []
    for _ in range(20):
        # scipy draws in batches; the draws of the samples are shared, as they are paired
        chosen = draws.integers(0, 25, size=(500, 25))
        means.append(sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1))
    expected = np.quantile(np.concatenate(means), [0.025, 0.975])
    assert found.interval == pytest.approx(tuple(expected), abs=1e-9)


def test_bootstrap_of_images_equals_the_exact_distribution_of_the_draws():
    a, b = np.array([True] * 8 + [False] * 12), np.array([False] * 3 + [True] * 17)
    found = paired_bootstrap(a, b)
    # 3 images lost, 12 won, 5 the same: the sum of 20 draws, convolved exactly
    one = np.array([3 / 20, 5 / 20, 12 / 20])
    exact = np.array([1.0])
    for _ in range(20):
        exact = np.convolve(exact, one)
    cumulative = np.cumsum(exact)
    ends = [(np.searchsorted(cumulative, tail) - 20) / 20 for tail in (0.025, 0.975)]
    assert found.interval == pytest.approx(tuple(ends), abs=1e-9)


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
