import numpy as np
import pytest

from emostudio.data.base import ReaderSettings, Split
from emostudio.data.splits import UNDECLARED, assign_splits


def _assign(count, *, declared=None, subjects=None, copies=None, emotions=None, **settings):
    declared = np.full(count, UNDECLARED, np.int8) if declared is None else declared
    emotions = (np.arange(count) % 4).astype(np.int8) if emotions is None else emotions
    subjects = np.full(count, -1, np.int32) if subjects is None else subjects
    copies = np.arange(count, dtype=np.uint64) if copies is None else copies
    return assign_splits(declared, emotions, subjects, copies, ReaderSettings(**settings))


def test_a_source_without_splits_is_stratified_by_emotion():
    splits, policy = _assign(400)
    for emotion in range(4):
        here = splits[np.arange(400) % 4 == emotion]
        assert np.bincount(here, minlength=3).tolist() == [72, 8, 20]
    assert "stratified" in policy


def test_the_same_seed_gives_the_same_splits_and_another_seed_others():
    first, _ = _assign(400, seed=3)
    second, _ = _assign(400, seed=3)
    third, _ = _assign(400, seed=4)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


def test_known_persons_are_never_in_two_splits():
    subjects = (np.arange(400) // 10).astype(np.int32)
    splits, policy = _assign(400, subjects=subjects)
    for person in range(40):
        assert len(np.unique(splits[subjects == person])) == 1
    assert set(np.unique(splits)) == {0, 1, 2}
    assert "by subject" in policy


def test_three_persons_are_enough_for_three_splits():
    subjects = (np.arange(90) // 30).astype(np.int32)
    splits, policy = _assign(90, subjects=subjects)
    assert sorted(int(np.unique(splits[subjects == person]).item()) for person in range(3)) == [
        0, 1, 2,
    ]  # fmt: skip
    assert "stratified" not in policy


def test_official_splits_stay_and_validation_is_cut_from_training():
    declared = np.array([Split.TRAIN] * 300 + [Split.TEST] * 100, dtype=np.int8)
    splits, policy = _assign(400, declared=declared)
    assert np.all(splits[300:] == Split.TEST)
    assert np.count_nonzero(splits[:300] == Split.VALIDATION) == pytest.approx(30, abs=2)
    assert policy.startswith("official")


def test_an_official_validation_split_judges_where_there_is_no_test_split():
    declared = np.array([Split.TRAIN] * 300 + [Split.VALIDATION] * 100, dtype=np.int8)
    splits, policy = _assign(400, declared=declared)
    assert np.all(splits[300:] == Split.TEST)
    assert np.any(splits[:300] == Split.VALIDATION)
    assert "serves as test" in policy


def test_copies_of_a_picture_are_not_torn_apart():
    copies = (np.arange(400) // 2).astype(np.uint64)
    splits, _ = _assign(400, copies=copies, emotions=np.zeros(400, np.int8))
    np.testing.assert_array_equal(splits[::2], splits[1::2])


def test_a_single_picture_of_an_emotion_stays_in_training():
    emotions = np.array([0] * 50 + [1], dtype=np.int8)
    splits, _ = _assign(51, emotions=emotions)
    assert splits[50] == Split.TRAIN


def test_unlabelled_pictures_get_no_test_split():
    splits, _ = _assign(100, emotions=np.full(100, -1, np.int8))
    assert Split.TEST not in splits
    assert np.count_nonzero(splits == Split.VALIDATION) == 10
