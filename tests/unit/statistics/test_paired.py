import numpy as np
import pytest

from emostudio.statistics.paired import (
    discordant,
    holm,
    mcnemar_exact,
    paired_bootstrap,
    paired_difference,
)


def _answers(only_a: int, only_b: int, both: int, neither: int):
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * neither
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * neither
    return np.array(a), np.array(b)


def test_discordant_pairs_are_counted_by_who_is_right():
    assert discordant(*_answers(3, 5, 7, 2)) == (3, 5)


def test_pairs_of_different_length_are_refused():
    with pytest.raises(ValueError, match="same images"):
        discordant(np.array([True]), np.array([True, False]))


def test_models_that_never_disagree_have_p_value_one():
    assert mcnemar_exact(0, 0) == 1.0


def test_even_disagreement_is_no_evidence():
    assert mcnemar_exact(7, 7) == 1.0


def test_difference_is_accuracy_of_b_minus_accuracy_of_a():
    difference, low, high = paired_difference(*_answers(10, 30, 100, 60))
    assert difference == pytest.approx(0.1)
    assert low < 0.1 < high
    assert low > 0


def test_models_that_never_disagree_still_leave_some_doubt():
    difference, low, high = paired_difference(*_answers(0, 0, 40, 10))
    assert difference == 0
    assert low < 0 < high


def test_the_interval_covers_the_true_difference_about_95_times_in_100():
    generator = np.random.default_rng(4)
    cells = generator.multinomial(300, [0.05, 0.08, 0.7, 0.17], size=2000)
    covered = []
    for only_a, only_b, both, neither in cells:
        _, low, high = paired_difference(*_answers(only_a, only_b, both, neither))
        covered.append(low <= 0.03 <= high)
    assert 0.93 <= np.mean(covered) <= 0.98


def test_pictures_of_the_same_people_count_for_less_than_as_many_people():
    generator = np.random.default_rng(5)
    helped = generator.random(20) < 0.3
    subjects = np.repeat(np.arange(20), 20)
    a, b = np.zeros(400, dtype=bool), helped[subjects]
    _, low_people, high_people = paired_difference(a, b, subjects)
    _, low_images, high_images = paired_difference(a, b)
    assert high_people - low_people > 2 * (high_images - low_images)


def test_the_interval_by_person_is_reproducible():
    generator = np.random.default_rng(6)
    a, b = generator.random(100) < 0.5, generator.random(100) < 0.6
    subjects = np.arange(100) // 5
    assert paired_difference(a, b, subjects) == paired_difference(a, b, subjects)


def test_unknown_people_count_one_by_one():
    generator = np.random.default_rng(7)
    a, b = generator.random(200) < 0.5, generator.random(200) < 0.6
    subjects = np.full(200, -1)
    subjects[:4] = [0, 0, 1, 1]
    _, low, high = paired_difference(a, b, subjects)
    _, expected_low, expected_high = paired_difference(a, b)
    assert (low, high) == pytest.approx((expected_low, expected_high), abs=0.03)


def test_two_people_who_happen_to_agree_prove_no_more_than_their_pictures():
    generator = np.random.default_rng(8)
    a = generator.random(100) < 0.5
    b = np.where(generator.random(100) < 0.2, ~a, a)
    _, low, high = paired_difference(a, b, np.arange(100) % 2)
    _, low_images, high_images = paired_difference(a, b)
    assert low <= low_images
    assert high >= high_images


def test_models_that_never_disagree_have_nothing_to_draw():
    assert paired_bootstrap(*_answers(0, 0, 40, 10)) is None


def test_the_bootstrap_says_what_it_drew():
    answers = _answers(10, 30, 100, 60)
    assert (paired_bootstrap(*answers).unit, paired_bootstrap(*answers).units) == ("images", 200)
    by_person = paired_bootstrap(*answers, np.arange(200) // 10)
    assert (by_person.unit, by_person.units, by_person.resamples) == ("subjects", 20, 10_000)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.5, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()
    assert holm([0.02]) == (0.02,)


def test_holm_errs_in_at_most_5_of_100_families_of_equal_models():
    families = np.random.default_rng(9).random((2000, 8))
    wrong = [min(holm(family)) < 0.05 for family in families]
    naive = (families < 0.05).any(axis=1)
    assert 0.03 <= np.mean(wrong) <= 0.065
    assert naive.mean() > 0.3
