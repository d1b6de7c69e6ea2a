"""One pass over a reader's records: decode, check, count; importing and inspecting share it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import Problem, Thumbnail
from emostudio.core.emotions import EMOTIONS, UNLABELLED, Emotion
from emostudio.data.base import Reader, ReaderSettings, Record
from emostudio.data.decode import DecodeError, as_pixels, decode_file, decode_image
from emostudio.data.labels import MERGE_INTO
from emostudio.data.leaks import pixel_hash
from emostudio.data.splits import UNDECLARED
from emostudio.data.thumbnails import thumbnail_png
from emostudio.data.transforms import central_square, fit_within

SHOWN = 500
"""Most problems kept word for word; the count is always complete."""

_THUMBNAIL_SIDE = 96
_SAMPLES = 12
_REPORT_EVERY_S = 0.2

Report = Callable[[float, str], None]
"""``report(fraction, message)``; raises `JobCancelled` when the user cancelled."""


@dataclass
class Scan:
    """What a pass over the records gathered; the lists run in parallel, one entry per picture."""

    items: list[str] = field(default_factory=list)
    shapes: list[tuple[int, int, int]] = field(default_factory=list)
    emotions: list[int] = field(default_factory=list)
    declared: list[int] = field(default_factory=list)
    subjects: list[int] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)
    subject_ids: dict[str, int] = field(default_factory=dict)
    label_map: dict[str, str | None] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    samples: dict[int, list[tuple[str, NDArray[np.uint8]]]] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def note(self, problem: Problem) -> None:
        """Keep a problem, or only count it once there are too many."""
        self.problem_count += 1
        if len(self.problems) < SHOWN:
            self.problems.append(problem)

    def add(self, record: Record, emotion: Emotion | None, pixels: NDArray[np.uint8]) -> None:
        """Take in one decoded picture."""
        code = UNLABELLED if emotion is None else emotion.position
        height, width, channels = pixels.shape
        self.items.append(record.item)
        self.shapes.append((height, width, channels))
        self.emotions.append(code)
        self.declared.append(UNDECLARED if record.split is None else int(record.split))
        self.subjects.append(self._subject(record.subject))
        self.copies.append(pixel_hash(pixels))
        self._sample(code, record.item, pixels)

    def _sample(self, code: int, item: str, pixels: NDArray[np.uint8]) -> None:
        """Keep pictures from all over the source: the first ones are often of one person."""
        kept = self.samples.setdefault(code, [])
        seen = self.seen[code] = self.seen.get(code, 0) + 1
        place = len(kept) if len(kept) < _SAMPLES else int(self.chance.integers(seen))
        if place < _SAMPLES:
            kept[place : place + 1] = [(item, fit_within(pixels, _THUMBNAIL_SIDE).copy())]

    def _subject(self, subject: str | None) -> int:
        if subject is None:
            return -1
        return self.subject_ids.setdefault(subject, len(self.subject_ids))

    def thumbnails(self, count: int) -> tuple[Thumbnail, ...]:
        """Return up to `count` small pictures, taking turns between the emotions."""
        queues = [[(code, *entry) for entry in self.samples[code]] for code in sorted(self.samples)]
        chosen = []
        for turn in range(max((len(queue) for queue in queues), default=0)):
            chosen += [queue[turn] for queue in queues if turn < len(queue)]
        return tuple(_thumbnail(*entry) for entry in sorted(chosen[:count], key=lambda e: e[0]))


def scan(
    path: Path,
    reader: Reader,
    settings: ReaderSettings,
    keep: Callable[[NDArray[np.uint8]], object],
    report: Report,
) -> Scan:
    """Go through a reader's records once.

    Parameters
    ----------
    path
        The source.
    reader, settings
        How to read it.
    keep
        Called with the pixels (H, W, C) of each usable picture, in the order of the scan's lists.
    report
        Told of progress several times a second.
    """
    result = Scan()
    expected = reader.expected(path, settings)
    told = 0.0
    for entry in reader.read(path, settings):
        now = time.monotonic()
        if now - told >= _REPORT_EVERY_S:
            told = now
            share = min(len(result.items) / expected, 0.99) if expected else 0.0
            report(share, f"{len(result.items):,} pictures read")
        pixels = None if entry is None else _take(result, entry, settings)
        if pixels is not None:
            keep(pixels)
    return result


def _take(
    result: Scan, entry: Record | Problem, settings: ReaderSettings
) -> NDArray[np.uint8] | None:
    if isinstance(entry, Problem):
        result.note(entry)
        return None
    emotion = _with_policy(entry.emotion, settings)
    if entry.label:
        result.label_map[entry.label] = emotion
        if emotion is None:
            result.left_out[entry.label] += 1
            return None
    try:
        pixels = _decode(entry, result)
        if entry.square:
            pixels = central_square(pixels)
    except DecodeError as error:
        result.note(Problem(item=entry.item, what=error.why or error.what))
        return None
    result.add(entry, emotion, pixels)
    return pixels


def _with_policy(emotion: Emotion | None, settings: ReaderSettings) -> Emotion | None:
    if emotion is not Emotion.CONTEMPT or settings.contempt == "keep":
        return emotion
    return None if settings.contempt == "drop" else MERGE_INTO[emotion]


def _decode(record: Record, result: Scan) -> NDArray[np.uint8]:
    if isinstance(record.source, np.ndarray):
        return as_pixels(record.source, record.item)
    if isinstance(record.source, bytes):
        decoded = decode_image(record.source, record.item)
    else:
        decoded = decode_file(record.source, record.root)
    for note in decoded.notes:
        result.note(Problem(item=record.item, what=note, severity="warning"))
    return decoded.pixels


def _thumbnail(code: int, item: str, pixels: NDArray[np.uint8]) -> Thumbnail:
    return Thumbnail(
        png_base64=thumbnail_png(pixels),
        emotion=None if code == UNLABELLED else EMOTIONS[code],
        item=item,
    )
