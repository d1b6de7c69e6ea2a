"""The same picture or person on both sides of a split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import Leak
from emostudio.core.emotions import UNLABELLED
from emostudio.data.base import Split

SHOWN = 200
"""Most leaks listed one by one; the counts are always complete."""


@dataclass(frozen=True)
class Leaks:
    """What was found.

    Attributes
    ----------
    listed
        The first `SHOWN` leaks of each kind.
    duplicates
        Pictures outside the training split that also are in an earlier split.
    subjects
        Persons in more than one split; None where persons are unknown.
    contradictions
        Pictures that occur with different labels.
    """

    listed: tuple[Leak, ...]
    duplicates: int
    subjects: int | None
    contradictions: int


def pixel_hash(pixels: NDArray[np.uint8]) -> int:
    """Return a 64-bit hash of a picture's shape and pixels; equal for exact duplicates."""
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(pixels).data)
    return int.from_bytes(digest.digest(), "little")


def find_leaks(
    splits: NDArray[np.int8],
    copies: NDArray[np.uint64],
    subjects: NDArray[np.int32],
    emotions: NDArray[np.int8],
    items: Sequence[str],
) -> Leaks:
    """Find exact duplicates and persons across splits, and duplicates with two labels.

    Parameters
    ----------
    splits, copies, subjects, emotions
        One value per picture (N,); see `splits.assign_splits`.
    items
        Names of the pictures.
    """
    listed: list[Leak] = []
    duplicates = contradictions = 0
    for members in _groups(copies):
        ordered = members[np.argsort(splits[members], kind="stable")]
        first = int(ordered[0])
        leaking = ordered[splits[ordered] != splits[first]]
        duplicates += len(leaking)
        labels = emotions[members][emotions[members] != UNLABELLED]
        contradictions += len(np.unique(labels)) > 1
        listed += [_leak("duplicate", first, int(other), items, splits) for other in leaking]
        del listed[SHOWN:]
    known = np.flatnonzero(subjects >= 0)
    if not len(known):
        return Leaks(tuple(listed), duplicates, None, contradictions)
    torn = [
        members
        for members in _groups(subjects[known].astype(np.uint64))
        if len(np.unique(splits[known[members]])) > 1
    ]
    for members in torn[:SHOWN]:
        people = known[members]
        other = people[splits[people] != splits[people[0]]][0]
        listed.append(_leak("subject", int(people[0]), int(other), items, splits))
    return Leaks(tuple(listed), duplicates, len(torn), contradictions)


def copies_to_drop(splits: NDArray[np.int8], copies: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Mark pictures of which a copy is in a later split: test wins over validation over training.

    Returns
    -------
    Mask (N,), True where the picture should go.
    """
    drop = np.zeros(len(splits), dtype=np.bool_)
    for members in _groups(copies):
        drop[members] = splits[members] < splits[members].max()
    return drop


def _groups(keys: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """Return the places of equal keys, groups of two or more only, ascending inside a group."""
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(counts[inverse] > 1)
    order = repeated[np.argsort(inverse[repeated], kind="stable")]
    edges = np.flatnonzero(np.diff(inverse[order])) + 1
    return np.split(order, edges) if len(order) else []


def _leak(
    kind: str, first: int, second: int, items: Sequence[str], splits: NDArray[np.int8]
) -> Leak:
    words = (Split(int(splits[first])).word, Split(int(splits[second])).word)
    return Leak(
        kind="duplicate" if kind == "duplicate" else "subject",
        first=items[first],
        second=items[second],
        splits=words,
    )
