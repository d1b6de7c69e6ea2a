"""What is said about a data source: counts, leaks and warnings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import DataReport, Problem
from emostudio.core.emotions import EMOTIONS, UNLABELLED
from emostudio.core.errors import InputError
from emostudio.data.base import Reader, ReaderSettings, Split
from emostudio.data.labels import present_labels
from emostudio.data.leaks import Leaks, copies_to_drop, find_leaks
from emostudio.data.scanning import Scan
from emostudio.data.splits import assign_splits

MAX_IMBALANCE = 10.0
"""Largest class over smallest class in the training split before a warning."""

MIN_TEST_IMAGES = 50
"""Test pictures per class below which a per-class figure says little."""


@dataclass(frozen=True)
class Layout:
    """A scan with splits: arrays over the pictures that stay, and where these are in the scan.

    Attributes
    ----------
    kept
        Places in the scan (N,).
    emotions, splits, subjects
        As in `Dataset`.
    """

    kept: NDArray[np.int64]
    emotions: NDArray[np.int8]
    splits: NDArray[np.int8]
    subjects: NDArray[np.int32]
    items: tuple[str, ...]
    split_policy: str
    leaks: Leaks
    dropped: int


def lay_out(found: Scan, settings: ReaderSettings) -> Layout:
    """Split what was scanned, look for leaks, drop duplicates if asked to.

    Raises
    ------
    InputError
        If not one usable picture was found.
    """
    if not found.items:
        raise _nothing_usable(found)
    emotions = np.array(found.emotions, dtype=np.int8)
    subjects = np.array(found.subjects, dtype=np.int32)
    copies = np.array(found.copies, dtype=np.uint64)
    splits, policy = assign_splits(
        np.array(found.declared, dtype=np.int8), emotions, subjects, copies, settings
    )
    kept = np.arange(len(splits))
    if settings.duplicates == "drop":
        kept = np.flatnonzero(~copies_to_drop(splits, copies))
    items = tuple(found.items[place] for place in kept)
    leaks = find_leaks(splits[kept], copies[kept], subjects[kept], emotions[kept], items)
    return Layout(
        kept=kept,
        emotions=emotions[kept],
        splits=splits[kept],
        subjects=subjects[kept],
        items=items,
        split_policy=policy,
        leaks=leaks,
        dropped=len(splits) - len(kept),
    )


def describe(
    found: Scan, layout: Layout, reader: Reader, *, name: str, path: Path, thumbnails: int
) -> DataReport:
    """Write the report on a scanned source."""
    counts = _counts(layout)
    people = np.unique(layout.subjects[layout.subjects >= 0])
    shapes = Counter(f"{w}x{h}x{c}" for h, w, c in (found.shapes[i] for i in layout.kept))
    leak_counts = {"duplicate": layout.leaks.duplicates}
    if layout.leaks.subjects is not None:
        leak_counts["subject"] = layout.leaks.subjects
    return DataReport(
        name=name,
        path=str(path),
        reader=reader.key,
        samples=len(layout.items),
        counts=counts,
        labels=present_labels(layout.emotions),
        label_map=dict(sorted(found.label_map.items())),
        subjects=len(people) if len(people) else None,
        image_shapes=dict(shapes.most_common(20)),
        split_policy=layout.split_policy,
        problems=_problems(found),
        problem_count=found.problem_count + len(found.left_out),
        leaks=layout.leaks.listed,
        leak_counts=leak_counts,
        warnings=tuple(_warnings(layout, counts)),
        thumbnails=found.thumbnails(thumbnails),
    )


def _problems(found: Scan) -> tuple[Problem, ...]:
    left_out = tuple(
        Problem(item=label, what=f"{count} pictures left out: the label is not used")
        for label, count in sorted(found.left_out.items())
    )
    return left_out + tuple(found.problems)


def _counts(layout: Layout) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for split in Split:
        here = layout.emotions[layout.splits == split]
        codes, numbers = np.unique(here, return_counts=True)
        if len(codes):
            counts[split.word] = {
                "unlabelled" if code == UNLABELLED else str(EMOTIONS[code]): int(number)
                for code, number in zip(codes.tolist(), numbers.tolist(), strict=True)
            }
    return counts


def _warnings(layout: Layout, counts: dict[str, dict[str, int]]) -> list[str]:
    leaks = layout.leaks
    warnings = []
    if leaks.subjects is None:
        warnings.append("Identity leakage unknown: the source names no persons")
    if leaks.subjects:
        warnings.append(f"{leaks.subjects} persons are in more than one split")
    if leaks.duplicates:
        warnings.append(f"{leaks.duplicates} pictures are copies of pictures in another split")
    if leaks.contradictions:
        warnings.append(f"{leaks.contradictions} pictures occur with different labels")
    if layout.dropped:
        warnings.append(f"{layout.dropped} copies across splits were dropped")
    return warnings + _class_warnings([str(e) for e in present_labels(layout.emotions)], counts)


def _class_warnings(labels: list[str], counts: dict[str, dict[str, int]]) -> list[str]:
    if not labels:
        return ["No picture has a label: only labels-only distillation can use this source"]
    warnings = []
    for split in Split:
        missing = [label for label in labels if label not in counts.get(split.word, {})]
        if missing:
            warnings.append(f"The {split.word} split has no {', '.join(missing)}")
    if len(labels) == 1:
        warnings.append(f"All pictures show {labels[0]}")
    train = [counts.get("train", {}).get(label, 0) for label in labels]
    if min(train) > 0 and max(train) > MAX_IMBALANCE * min(train):
        warnings.append(f"Classes are unbalanced, {max(train) / min(train):.0f} to 1 in training")
    few = [label for label in labels if 0 < counts.get("test", {}).get(label, 0) < MIN_TEST_IMAGES]
    if few:
        warnings.append(f"Fewer than {MIN_TEST_IMAGES} test pictures of {', '.join(few)}")
    return warnings


def _nothing_usable(found: Scan) -> InputError:
    reasons = "; ".join(f"{p.item}: {p.what}" for p in found.problems[:3])
    if found.left_out:
        reasons = f"no label names an emotion ({', '.join(sorted(found.left_out)[:5])})"
    return InputError(
        "There is no usable picture in this source",
        why=reasons or "it holds no pictures",
        next_step="Choose a folder of pictures or a file of a known layout",
    )
