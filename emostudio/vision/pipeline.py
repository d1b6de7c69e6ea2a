"""The live view: newest frame, faces, the same crops through every variant, all stages timed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import Emotion
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import Event, Finished, LiveCounters, LiveFrame
from emostudio.core.job_context import JobContext
from emostudio.inference.classifier import Classifier
from emostudio.vision.base import Box, FaceFinder, Frame
from emostudio.vision.catalogue import ChosenSource
from emostudio.vision.counters import Counters, VariantCounter
from emostudio.vision.crops import MOST_FACES, crop, true_emotions, usable_faces
from emostudio.vision.grabbing import Grabber, Patience
from emostudio.vision.shared_frames import FrameSink

_TAKE_S = 0.2
_REPORT_EVERY_S = 0.5
_WARM_UP_RUNS = 2


@dataclass(frozen=True)
class LiveSetup:
    """What a live view runs.

    Attributes
    ----------
    source
        Where frames come from.
    finder
        The face detector.
    variants
        Name and classifier of every variant; the first one is what the others are compared with.
        The caller keeps owning the classifiers.
    detector
        Name of the detector for the report.
    seconds
        Stop after so many seconds of frames; None runs until the consumer closes the generator.
    sink
        Where frames are shown; None shows none and yields no `LiveFrame`.
    margin
        Share of a face's size that is added around it before it is classified.
    patience
        How long the source may take.
    """

    source: ChosenSource
    finder: FaceFinder
    variants: Sequence[tuple[str, Classifier]]
    detector: str = ""
    seconds: float | None = None
    sink: FrameSink | None = None
    margin: float = 0.05
    patience: Patience = field(default_factory=Patience)


def run(setup: LiveSetup, context: JobContext) -> Generator[Event, None, None]:
    """Run variants on the frames of a source.

    Every frame goes through all variants on the same crops, one face at a time, in an order that
    rotates from frame to frame. While the source fails, counters with a message are sent and it
    is opened again.

    Yields
    ------
    `SharedMemory` and `LiveFrame` where there is a sink, `LiveCounters` twice a second, at last
    `Finished` with an `answers.LiveReport`.

    Raises
    ------
    InputError
        If the source cannot be opened in the first place.
    JobCancelled
        Through ``context.report``.
    """
    if not setup.variants:
        raise InputError("Choose at least one variant to see live")
    cv2.setNumThreads(1)  # OpenCV's threads would steal the cores the variants are timed on
    view = _View(setup)
    view.warm_up()
    grabber = Grabber(setup.source.open, setup.patience)
    grabber.start()
    clock = _Clock(setup.seconds, setup.patience.first_s)
    try:
        while not clock.is_over():
            context.report(clock.fraction(), grabber.message)
            frame = grabber.take(_TAKE_S)
            if frame is not None:
                clock.frame_came()
                yield from view.show(frame)
            if clock.is_report_due():
                yield LiveCounters(report=view.report(grabber))
    finally:
        grabber.close()
    yield Finished(result=view.report(grabber))


class _Clock:
    """Decides when a view ends and when it reports; time counts from the first frame."""

    def __init__(self, seconds: float | None, grace_s: float) -> None:
        self._seconds = seconds
        self._began_s = time.monotonic() + grace_s
        self._told_s = time.monotonic()
        self._has_begun = False

    def frame_came(self) -> None:
        if not self._has_begun:
            self._has_begun, self._began_s = True, time.monotonic()

    def is_over(self) -> bool:
        return self._seconds is not None and time.monotonic() - self._began_s >= self._seconds

    def fraction(self) -> float:
        if not self._seconds:
            return 0.0
        return min(1.0, max(0.0, (time.monotonic() - self._began_s) / self._seconds))

    def is_report_due(self) -> bool:
        if time.monotonic() - self._told_s < _REPORT_EVERY_S:
            return False
        self._told_s = time.monotonic()
        return True


class _View:
    """One live view: what happens to a frame."""

    def __init__(self, setup: LiveSetup) -> None:
        self._setup = setup
        self._counters = Counters(
            setup.source.name,
            setup.detector,
            [
                VariantCounter(name, classifier.session.engine, classifier.info.labels)
                for name, classifier in setup.variants
            ],
        )
        self._faces: tuple[Box, ...] = ()
        self._number = 0
        self._trouble = ""

    def warm_up(self) -> None:
        """Let every variant do its first, slow runs before anything is timed."""
        blank = np.full((48, 48, 3), 128, dtype=np.uint8)
        for _, classifier in self._setup.variants:
            for _ in range(_WARM_UP_RUNS):
                classifier.classify([blank])

    def report(self, grabber: Grabber) -> dict[str, Any]:
        """Return the figures as JSON values."""
        message = grabber.message or self._trouble
        return self._counters.report(grabber.dropped, message).model_dump(mode="json")

    def show(self, frame: Frame) -> Iterator[Event]:
        """Take one frame through all stages."""
        image, captured_s = frame.image, time.time()
        self._counters.add_stage("grab", frame.grab_ms)
        self._detect(image)
        faces = self._faces[:MOST_FACES]
        with self._timed("crop"):
            crops = [np.ascontiguousarray(crop(image, face, self._setup.margin)) for face in faces]
        with self._timed("classify"):
            probabilities = self._classify(crops)
        truth = true_emotions(faces, frame.truth)
        self._compare(probabilities, truth)
        if self._setup.sink is not None:
            with self._timed("publish"):
                placed = self._setup.sink(image)
            if placed.announcement is not None:
                yield placed.announcement
            yield LiveFrame(
                number=self._number,
                slot=placed.slot,
                height=placed.height,
                width=placed.width,
                captured_s=captured_s,
                faces=faces,
                truth=tuple(emotion or "" for emotion in truth) if frame.truth else (),
                probabilities=tuple(
                    tuple(tuple(face.tolist()) for face in variant) for variant in probabilities
                ),
            )
        self._number += 1
        self._counters.frame_done(len(faces))

    def _detect(self, image: NDArray[np.uint8]) -> None:
        with self._timed("detect"):
            if self._number % self._setup.finder.every == 0:
                self._faces = self._search(image)
            # A source may change its size between two searches.
            self._faces = usable_faces(self._faces, image.shape[1], image.shape[0])
        more = len(self._faces) - MOST_FACES
        if more > 0:
            self._trouble = f"{MOST_FACES} faces are classified, {more} more are not"

    def _search(self, image: NDArray[np.uint8]) -> tuple[Box, ...]:
        try:
            found = tuple(self._setup.finder.find(image))
        except (EmoStudioError, cv2.error, ValueError, RuntimeError) as error:
            self._trouble = f"The face detector failed: {str(error)[:200]}"
            return ()
        self._trouble = ""
        return found

    def _classify(self, crops: Sequence[NDArray[np.uint8]]) -> list[list[NDArray[np.float32]]]:
        """Return probabilities per variant and face; who goes first changes with every frame."""
        count = len(self._setup.variants)
        found: list[list[NDArray[np.float32]]] = [[] for _ in range(count)]
        for turn in range(count):
            place = (turn + self._number) % count
            _, classifier = self._setup.variants[place]
            counter = self._counters.variants[place]
            total_ms = 0.0
            for face in crops:
                began = time.perf_counter()
                probabilities = classifier.classify([face])[0]
                spent_ms = (time.perf_counter() - began) * 1e3
                total_ms += spent_ms
                counter.add_latency(spent_ms)
                found[place].append(probabilities)
            if crops:
                counter.add_frame(total_ms)
        return found

    def _compare(
        self, probabilities: list[list[NDArray[np.float32]]], truth: Sequence[Emotion | None]
    ) -> None:
        named = [
            [counter.labels[int(face.argmax())] for face in faces]
            for counter, faces in zip(self._counters.variants, probabilities, strict=True)
        ]
        for place, counter in enumerate(self._counters.variants):
            counter.compare(named[place], named[0] if place else None, truth)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._counters.add_stage(stage, (time.perf_counter() - began) * 1e3)
