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


def test_agreement_is_the_share_of_equal_answers():
    assert classification.agreement(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])) == 0.75
    assert classification.agreement(np.array([], dtype=int), np.array([], dtype=int)) == 0.0


def test_no_answers_give_zero_scores():
    empty = np.zeros((3, 3), dtype=np.int64)
    assert classification.accuracy(empty) == 0.0
    assert classification.balanced_accuracy(empty) == 0.0
    assert classification.macro_f1(empty) == 0.0
