"""Simulations: the intervals hold the truth in 93 to 97 of 100 data sets, as they say."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from emostudio.statistics.blocks import block_ratio, claims_difference
from emostudio.statistics.paired import paired_bootstrap

DATA_SETS = 10_000
BLOCKS, PAIRS = 30, 7


def _interleaved(ratio: float, memory: float, data_sets: int, seed: int):
    """Simulate interleaved timings (data sets, blocks, pairs) of two models on a moody machine.

    The machine's speed wanders with the autocorrelation `memory` from query to query and hits
    both; every rebuilt session is a little faster or slower than the last; some queries are late.
    """
    generator = np.random.default_rng(seed)
    shape = (data_sets, BLOCKS, PAIRS, 2)
    steps = generator.normal(size=(data_sets, BLOCKS * PAIRS * 2)) * 0.1 * math.sqrt(1 - memory**2)
    mood = lfilter([1], [1, -memory], steps, axis=1).reshape(shape)
    late = (generator.random(shape) < 0.05) * generator.exponential(0.5, shape)
    session = 0.02 * generator.normal(size=(data_sets, BLOCKS, 1, 2))
    logs = mood + late + session + 0.03 * generator.normal(size=shape)
    swapped = generator.random((data_sets, BLOCKS, PAIRS, 1)) < 0.5
    logs = np.where(swapped, logs[..., ::-1], logs)
    return np.exp(logs[..., 0]), ratio * np.exp(logs[..., 1])


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.999])
def test_speed_intervals_cover_the_true_ratio_though_timings_are_autocorrelated(memory):
    covered = []
    for seed in range(10):
        times_a, times_b = _interleaved(1.07, memory, DATA_SETS // 10, seed)
        for a, b in zip(times_a, times_b, strict=True):
            low, high = block_ratio("a", "b", a, b).interval
            covered.append(low <= 1.07 <= high)
    assert len(covered) == DATA_SETS
    assert 0.93 <= np.mean(covered) <= 0.97


def test_one_model_after_the_other_with_single_queries_as_independent_would_not_cover():
    generator = np.random.default_rng(0)
    mood = lfilter([1], [1, -0.99], generator.normal(size=(1000, 2, 300)) * 0.014, axis=2)
    logs = mood + 0.03 * generator.normal(size=mood.shape)
    differences = logs[:, 1].mean(axis=1) - logs[:, 0].mean(axis=1)
    error = np.sqrt(logs.var(axis=2, ddof=1).sum(axis=1) / 300)
    assert np.mean(np.abs(differences) <= 1.96 * error) < 0.7


def test_identical_models_are_told_apart_in_at_most_1_of_100():
    claims = [
        claims_difference(block_ratio("a", "b", a, b))
        for a, b in zip(*_interleaved(1.0, 0.99, 2000, 1), strict=True)
    ]
    assert np.mean(claims) <= 0.01


def test_the_bootstrap_by_person_covers_the_true_difference():
    generator = np.random.default_rng(2)
    people = np.repeat(np.arange(60), 6)
    covered = []
    for _ in range(300):
        hurt = generator.beta(1, 9, size=60)[people]  # some people are hard for the second model
        a = generator.random(360) < 0.9
        b = a & (generator.random(360) >= hurt)
        low, high = paired_bootstrap(a, b, people).interval
        covered.append(low <= -0.09 <= high)
    assert 0.90 <= np.mean(covered) <= 0.98
