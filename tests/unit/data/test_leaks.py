import numpy as np

from emostudio.data.base import Split
from emostudio.data.leaks import copies_to_drop, find_leaks, pixel_hash

TRAIN, VALIDATION, TEST = Split.TRAIN, Split.VALIDATION, Split.TEST


def _find(splits, copies, subjects=None, emotions=None):
    count = len(splits)
    subjects = [-1] * count if subjects is None else subjects
    emotions = [0] * count if emotions is None else emotions
    return find_leaks(
        np.array(splits, np.int8),
        np.array(copies, np.uint64),
        np.array(subjects, np.int32),
        np.array(emotions, np.int8),
        [f"item {i}" for i in range(count)],
    )


def test_a_copy_in_another_split_is_a_leak():
    leaks = _find([TRAIN, TRAIN, TEST, TEST], [7, 8, 9, 7])
    assert leaks.duplicates == 1
    assert leaks.listed[0].first == "item 0"
    assert leaks.listed[0].second == "item 3"
    assert leaks.listed[0].splits == ("train", "test")


def test_copies_inside_one_split_are_none():
    assert _find([TRAIN, TRAIN], [7, 7]).duplicates == 0


def test_a_person_in_two_splits_is_a_leak():
    leaks = _find([TRAIN, TEST, TEST], [1, 2, 3], subjects=[5, 5, 6])
    assert leaks.subjects == 1
    assert leaks.listed[0].kind == "subject"


def test_unknown_persons_are_not_counted_as_clean():
    assert _find([TRAIN, TEST], [1, 2]).subjects is None


def test_a_picture_with_two_labels_is_counted():
    assert _find([TRAIN, TRAIN], [1, 1], emotions=[0, 3]).contradictions == 1


def test_copies_are_dropped_in_favour_of_the_test_split():
    splits = np.array([TRAIN, VALIDATION, TEST, TRAIN, TEST], np.int8)
    copies = np.array([1, 1, 1, 2, 3], np.uint64)
    assert copies_to_drop(splits, copies).tolist() == [True, True, False, False, False]


def test_the_hash_tells_shapes_apart():
    flat = np.zeros((8, 8, 1), np.uint8)
    assert pixel_hash(flat) == pixel_hash(flat.copy())
    assert pixel_hash(flat) != pixel_hash(flat.reshape(4, 16, 1))
