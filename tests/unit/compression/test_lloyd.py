import numpy as np
import pytest

from emostudio.compression import lloyd


def brute_force_objective(values, centroids):
    return float(((values[:, None] - centroids) ** 2).min(axis=1).sum())


def test_d1_the_objective_never_rises():
    values = np.random.default_rng(0).standard_t(3, 5000).astype(np.float32)
    result = lloyd.cluster(values, 16)
    steps = np.diff(result.objective)
    assert np.all(steps <= 1e-9 * result.objective[0])
    exact = brute_force_objective(values.astype(np.float64), result.centroids)
    assert result.objective[-1] == pytest.approx(exact, rel=1e-6)


def test_planted_values_are_found_exactly():
    planted = np.array([-2.0, -0.5, 0.25, 3.0])
    values = np.random.default_rng(1).choice(planted, 400).astype(np.float32)
    assert np.allclose(lloyd.cluster(values, 4).centroids, planted, atol=1e-6)


def test_d1_the_start_is_linear_and_keeps_large_weights():
    values = np.concatenate((np.random.default_rng(2).normal(0, 0.01, 1000), [5.0]))
    centroids = lloyd.cluster(values.astype(np.float32), 8).centroids
    assert centroids[-1] == pytest.approx(5.0)


def test_d1_no_cluster_stays_empty_while_values_differ():
    values = np.concatenate((np.linspace(0, 1, 300), [50.0]))
    result = lloyd.cluster(values, 32)
    codes = lloyd.nearest(values, result.centroids)
    assert np.unique(codes).size == 32


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0, 2.0], [0.0, 1.0]])
def test_fewer_values_than_centroids_is_no_problem(values):
    values = np.array(values, np.float32)
    result = lloyd.cluster(values, 8)
    codes = lloyd.nearest(values, result.centroids)
    assert np.allclose(result.centroids[codes], values)


def test_the_nearest_centroid_is_the_nearest():
    generator = np.random.default_rng(3)
    values, centroids = generator.normal(size=500), np.sort(generator.normal(size=9))
    expected = np.abs(values[:, None] - centroids).argmin(axis=1)
    assert np.array_equal(lloyd.nearest(values, centroids), expected)


def test_cancelling_inside_reaches_the_caller():
    def cancel():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lloyd.cluster(np.arange(9.0), 2, report=cancel)
