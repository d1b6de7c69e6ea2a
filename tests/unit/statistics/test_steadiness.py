import numpy as np
import pytest

from emostudio.statistics.steadiness import outlier_counts, steadiness


def _blocks(seed: int, blocks: int = 30, queries: int = 20) -> np.ndarray:
    return 2 * np.random.default_rng(seed).lognormal(0, 0.02, (blocks, queries))


def test_outliers_are_counted_by_distance():
    times = np.concatenate([np.linspace(1.0, 1.2, 96), [1.4, 1.42, 3.0, 5.0]])
    assert outlier_counts(times) == (2, 2)


def test_outliers_are_counted_but_stay_in_the_medians():
    times = _blocks(0)
    times[3] *= 50
    found = steadiness(times)
    assert found.far_outliers >= 20
    assert found.block_medians_ms[3] == pytest.approx(np.median(times[3]), abs=1e-4)


def test_a_machine_that_slows_down_has_drift_with_its_interval():
    slower = _blocks(1) * np.linspace(1, 1.3, 30)[:, np.newaxis]
    found = steadiness(slower)
    assert found.drift_percent == pytest.approx(30, abs=3)
    assert found.drift_interval[0] > 20


def test_a_steady_machine_is_called_drifting_about_5_times_in_100():
    claimed = 0
    for seed in range(400):
        low, high = steadiness(_blocks(seed, queries=5)).drift_interval
        claimed += low > 0 or high < 0
    assert 0.02 <= claimed / 400 <= 0.08


def test_one_disturbed_block_does_not_tilt_the_line():
    times = _blocks(2)
    times[-1] *= 5
    assert abs(steadiness(times).drift_percent) < 3


def test_two_blocks_have_no_line():
    assert steadiness(_blocks(3, blocks=2)).drift_interval == (0.0, 0.0)


def test_no_timings_are_refused():
    with pytest.raises(ValueError, match="no timings"):
        steadiness(np.empty((0, 5)))
