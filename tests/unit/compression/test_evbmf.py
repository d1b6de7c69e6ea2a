import numpy as np
import pytest

from emostudio.compression.evbmf import clamped_rank, evbmf_rank


def rank_of(matrix):
    return evbmf_rank(np.linalg.svd(matrix, compute_uv=False), *matrix.shape)


def planted(rank, shape, noise, seed=0):
    generator = np.random.default_rng(seed)
    rows, columns = shape
    signal = generator.normal(size=(rows, rank)) @ generator.normal(size=(rank, columns))
    return signal + noise * generator.normal(size=shape)


@pytest.mark.parametrize("rank", [64, 128])
@pytest.mark.parametrize("shape", [(256, 1200), (1200, 256)])
def test_f2_planted_ranks_are_recovered_at_noise_one_half(rank, shape):
    assert rank_of(planted(rank, shape, 0.5)) == rank


def test_the_rank_does_not_depend_on_the_scale_of_the_weights():
    matrix = planted(12, (100, 300), 0.5)
    assert rank_of(matrix) == rank_of(1e-4 * matrix) == rank_of(1e4 * matrix) == 12


@pytest.mark.parametrize("seed", range(4))
def test_f2_pure_noise_has_no_rank(seed):
    noise = np.random.default_rng(seed).normal(scale=0.02, size=(128, 1152))
    assert rank_of(noise) == 0


def test_weights_of_zero_have_no_rank():
    assert rank_of(np.zeros((8, 30))) == 0


def test_a_single_row_is_noise_as_far_as_anyone_can_tell():
    assert rank_of(np.ones((1, 5))) == 0


def test_a_matrix_without_noise_keeps_its_rank():
    assert rank_of(planted(5, (40, 60), 0.0)) == 5


@pytest.mark.parametrize(
    ("rank", "dimension", "factor", "expected"),
    [
        (0, 512, 1.0, 32),
        (0, 64, 1.0, 8),
        (0, 6, 1.0, 6),
        (0, 304, 1.0, 24),
        (61, 256, 1.0, 64),
        (61, 256, 1.5, 88),
        (250, 252, 1.0, 248),
        (200, 256, 9.0, 256),
    ],
)
def test_f2_ranks_are_rounded_to_eight_within_bounds(rank, dimension, factor, expected):
    clamped = clamped_rank(rank, dimension, factor)
    assert clamped == expected
    assert -(-dimension // 16) <= clamped <= dimension
