import numpy as np
import pytest

from emostudio.statistics.blocks import (
    block_ratio,
    blocks_needed,
    bootstrap_interval,
    claims_difference,
    percentiles,
    speed_words,
)


def _blocks(milliseconds: float, seed: int, scatter: float = 0.01, blocks: int = 30):
    generator = np.random.default_rng(seed)
    drift = 1 + scatter * generator.standard_normal((blocks, 1))
    return milliseconds * drift * (1 + 0.05 * generator.random((blocks, 20)))


def test_a_faster_model_has_a_ratio_above_one():
    ratio = block_ratio("small", "big", _blocks(2.0, 1), _blocks(3.0, 2))
    assert ratio.ratio == pytest.approx(1.5, abs=0.03)
    assert ratio.interval[0] < ratio.ratio < ratio.interval[1]
    assert ratio.verdict.startswith("small is 1.5")
    assert "faster than big (95 % 1.4" in ratio.verdict


def test_a_slower_model_is_said_to_be_slower():
    ratio = block_ratio("cp", "big", _blocks(3.0, 1), _blocks(2.0, 2))
    assert ratio.ratio < 1
    assert ratio.verdict.startswith("cp is 1.5")
    assert "slower than big" in ratio.verdict


def test_drift_common_to_both_models_cancels():
    drift = np.linspace(1, 3, 30)[:, np.newaxis]
    ratio = block_ratio("a", "b", _blocks(1, 1, 0.0) * drift, _blocks(1, 2, 0.0) * drift)
    assert ratio.verdict == "no difference larger than 2 %"


def test_noise_is_not_decided():
    ratio = block_ratio("a", "b", _blocks(1, 1, 0.3, 5), _blocks(1, 2, 0.3, 5))
    assert ratio.verdict == "not decided"
    assert not claims_difference(ratio)


def test_a_difference_below_the_margin_is_never_claimed():
    assert "faster" not in speed_words("a", "b", 1.015, (1.012, 1.018))
    assert speed_words("a", "b", 1.03, (1.01, 1.05)) == "not decided"
    assert "faster" in speed_words("a", "b", 1.03, (1.025, 1.035))


def test_identical_models_are_hardly_ever_told_apart():
    claims = 0
    for seed in range(200):
        ratio = block_ratio("a", "b", _blocks(1, 2 * seed, 0.03), _blocks(1, 2 * seed + 1, 0.03))
        claims += claims_difference(ratio)
    assert claims <= 2


def test_a_true_slowdown_of_ten_percent_is_found():
    found = [
        block_ratio("a", "b", _blocks(1, 2 * seed, 0.03), _blocks(1.1, 2 * seed + 1, 0.03))
        for seed in range(100)
    ]
    assert sum(claims_difference(ratio) and ratio.ratio > 1 for ratio in found) >= 99


def test_drawing_blocks_confirms_the_interval():
    a, b = _blocks(1, 1, 0.03), _blocks(1.3, 2, 0.03)
    assert bootstrap_interval(a, b) == pytest.approx(block_ratio("a", "b", a, b).interval, rel=5e-3)
    assert bootstrap_interval(a, b) == bootstrap_interval(a, b)
    assert bootstrap_interval(np.ones((3, 4)), np.full((3, 4), 2.0)) == pytest.approx((2, 2))


def test_blocks_of_different_number_are_refused():
    with pytest.raises(ValueError, match="same blocks"):
        block_ratio("a", "b", np.ones((3, 5)), np.ones((4, 5)))


def test_an_undecided_ratio_asks_for_more_blocks():
    ratio = block_ratio("a", "b", _blocks(1, 1, 0.1, 8), _blocks(1.06, 2, 0.1, 8))
    assert ratio.verdict == "not decided"
    assert (blocks_needed(ratio, 8) or 0) > 8


@pytest.mark.parametrize(
    ("queries", "has_p95", "has_p99"),
    [(129, False, False), (130, True, False), (661, True, False), (662, True, True)],
)
def test_percentiles_need_enough_queries(queries, has_p95, has_p99):
    latency = percentiles(np.linspace(1, 2, queries))
    assert latency.p50 == pytest.approx(1.5)
    assert (latency.p95 is not None) == has_p95
    assert (latency.p99 is not None) == has_p99
