import numpy as np
import pytest

from emostudio.statistics import classification

TRUTH = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 0])


def test_confusion_counts_truth_by_row():
    confusion = classification.confusion_matrix(TRUTH, PREDICTED, 3)
    assert confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_scores_by_hand():
    confusion = classification.confusion_matrix(TRUTH, PREDICTED, 3)
    assert classification.accuracy(confusion) == pytest.approx(4 / 6)
    assert classification.balanced_accuracy(confusion) == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert classification.macro_f1(confusion) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)


def test_a_class_without_images_is_left_out_but_answers_for_it_are_wrong():
    confusion = classification.confusion_matrix(np.array([0, 0]), np.array([0, 2]), 3)
    assert classification.balanced_accuracy(confusion) == pytest.approx(0.5)
    assert classification.macro_f1(confusion) == pytest.approx(2 / 3)


def cells(confusion):
    return [(i, j) for i in range(len(confusion)) for j in range(len(confusion))]


def test_the_variance_of_macro_f1_is_that_of_the_delta_method_with_numeric_slopes():
    confusion = np.array([[30, 5, 1], [4, 20, 6], [0, 3, 9]])
    shares = confusion / confusion.sum()
    slopes = np.zeros_like(shares)
    for place in cells(confusion):
        step = np.zeros_like(shares)
        step[place] = 1e-6
        up, down = ((shares + sign * step) * 1e12 for sign in (1, -1))
        slopes[place] = (classification.macro_f1(up) - classification.macro_f1(down)) / 2e-6
    covariance = (np.diag(shares.ravel()) - np.outer(shares, shares)) / confusion.sum()
    expected = slopes.ravel() @ covariance @ slopes.ravel()
    found = classification._macro_f1_variance(confusion)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("images", "right"), [(96, 0.9), (288, 0.7), (150, 0.99)])
def test_the_interval_of_macro_f1_holds_the_true_score_in_about_95_of_100_draws(images, right):
    rng = np.random.default_rng(7)
    wrong = rng.dirichlet(np.ones(6), size=7)
    shares = np.zeros((7, 7))
    for truth in range(7):
        shares[truth, np.arange(7) != truth] = (1 - right) * wrong[truth] / 7
        shares[truth, truth] = right / 7
    true = classification.macro_f1(shares * 1e9)
    draws = rng.multinomial(images, shares.ravel(), size=1000).reshape(-1, 7, 7)
    intervals = [classification.macro_f1_interval(drawn) for drawn in draws]
    held = np.mean([low <= true <= high for low, high in intervals])
    assert 0.92 <= held <= 0.98


def test_the_interval_of_a_faultless_score_is_no_point():
    low, high = classification.macro_f1_interval(np.diag([10, 10, 10]))
    assert (low, high) == (pytest.approx(30 / (30 + 1.959964**2), rel=1e-6), 1.0)
    assert classification.macro_f1_interval(np.zeros((3, 3), dtype=np.int64)) == (0.0, 1.0)


def test_agreement_is_the_share_of_equal_answers():
    assert classification.agreement(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])) == 0.75
    assert classification.agreement(np.array([], dtype=int), np.array([], dtype=int)) == 0.0


def test_no_answers_give_zero_scores():
    empty = np.zeros((3, 3), dtype=np.int64)
    assert classification.accuracy(empty) == 0.0
    assert classification.balanced_accuracy(empty) == 0.0
    assert classification.macro_f1(empty) == 0.0
