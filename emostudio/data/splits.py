"""Which pictures train, which choose, which judge: official, by subject, or stratified."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import UNLABELLED
from emostudio.data.base import ReaderSettings, Split

UNDECLARED = -1
"""Value of a declared split where the source says nothing."""


def assign_splits(
    declared: NDArray[np.int8],
    emotions: NDArray[np.int8],
    subjects: NDArray[np.int32],
    copies: NDArray[np.uint64],
    settings: ReaderSettings,
) -> tuple[NDArray[np.int8], str]:
    """Complete the splits a source declares.

    Official splits stay as they are. A missing split is cut from the training pictures: by
    subject where subjects are known, else stratified by emotion; copies of one picture are never
    torn apart by a cut made here. Without any official test split, an official validation split
    becomes the test split.

    Parameters
    ----------
    declared
        Official split per picture (N,), `UNDECLARED` where there is none.
    emotions
        Canonical indices (N,).
    subjects
        Person per picture (N,), -1 where unknown.
    copies
        Hash of the pixels (N,): equal for exact duplicates.
    settings
        Shares and seed.

    Returns
    -------
    Split per picture (N,), and the policy in words.
    """
    splits = np.where(declared == UNDECLARED, np.int8(Split.TRAIN), declared).astype(np.int8)
    has_official = bool(np.any(declared != UNDECLARED))
    words = ["official splits"] if has_official else []
    generator = np.random.default_rng(settings.seed)
    if has_official and not np.any(splits == Split.TEST) and np.any(splits == Split.VALIDATION):
        splits[splits == Split.VALIDATION] = Split.TEST
        words.append("the official validation split serves as test split")
    knows_people = len(np.unique(subjects[subjects >= 0])) >= len(Split)
    cuts = ((Split.TEST, settings.test_share), (Split.VALIDATION, settings.validation_share))
    for split, share in cuts:
        if np.any(splits == split) or (split is Split.TEST and np.all(emotions == UNLABELLED)):
            continue
        train = np.flatnonzero(splits == Split.TRAIN)
        people = np.unique(subjects[train][subjects[train] >= 0])
        if knows_people and len(people) > 1:
            chosen, way = _by_subject(train, subjects, people, share, generator), "by subject"
        else:
            chosen, way = _stratified(train, emotions, share, generator), "stratified by emotion"
        chosen = _whole_groups(train, chosen, copies)
        splits[chosen] = split
        words.append(f"{split.word} {share:.0%} of the training pictures {way}")
    return splits, "; ".join(words) + (f" (seed {settings.seed})" if len(words) > 1 else "")


def _by_subject(
    train: NDArray[np.int64],
    subjects: NDArray[np.int32],
    people: NDArray[np.int32],
    share: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Take whole persons until the share is reached, leaving at least one for training."""
    wanted = share * len(train)
    order = generator.permutation(people)
    counts = np.array([np.count_nonzero(subjects[train] == person) for person in order])
    enough = int(np.searchsorted(np.cumsum(counts), wanted)) + 1
    return train[np.isin(subjects[train], order[: min(enough, len(order) - 1)])]


def _stratified(
    train: NDArray[np.int64],
    emotions: NDArray[np.int8],
    share: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Take the share of every emotion; an emotion with one picture keeps it for training."""
    chosen = []
    for emotion in np.unique(emotions[train]):
        members = generator.permutation(train[emotions[train] == emotion])
        count = max(1, round(share * len(members))) if len(members) > 1 else 0
        chosen.append(members[:count])
    return np.sort(np.concatenate(chosen)) if chosen else train[:0]


def _whole_groups(
    train: NDArray[np.int64], chosen: NDArray[np.int64], copies: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Give copies of a picture the place of the copy that comes first."""
    _, first, group = np.unique(copies[train], return_index=True, return_inverse=True)
    is_chosen = np.isin(train, chosen)
    return train[is_chosen[first][group]]
