"""Frames of a live view: from the worker's shared memory to a picture, newest frame wins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory as SharedBlock

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from emostudio.core.answers import LiveReport
from emostudio.core.events import (
    TERMINAL_EVENTS,
    Cancelled,
    Event,
    Failed,
    Finished,
    LiveCounters,
    LiveFrame,
    Note,
    Progress,
    SharedMemory,
)

BYTES_PER_PIXEL = 4
"""Pixels travel as blue, green, red, unused: what QImage paints without converting (RGB32)."""

KILL_AFTER_MS = 900
"""A camera must be dark within a second of leaving the page, whatever the worker does."""


@contextmanager
def _untracked() -> Iterator[None]:
    # Before Python 3.13 attaching registers the block with a tracker that unlinks it (under the
    # worker's feet) when this process ends. The worker owns the block, so nothing is registered.
    register = resource_tracker.register
    resource_tracker.register = lambda *_: None
    try:
        yield
    finally:
        resource_tracker.register = register


def attach(name: str) -> SharedBlock:
    """Open the worker's shared memory without ever becoming its owner.

    Raises
    ------
    FileNotFoundError
        If the worker has already closed it.
    """
    if sys.version_info >= (3, 13):
        return SharedBlock(name=name, track=False)
    with _untracked():
        return SharedBlock(name=name)


@dataclass(frozen=True)
class Frame:
    """One picture with what was found in it.

    Attributes
    ----------
    event
        Number, faces and probabilities of the frame.
    pixels
        uint8 (H, W, 4), blue first; owned by the frame and alive as long as `image`.
    image
        The same pixels as a picture, not copied.
    """

    event: LiveFrame
    pixels: NDArray[np.uint8]
    image: QImage


class FrameReader:
    """Reads slots of the shared memory block that a `SharedMemory` event names."""

    def __init__(self, event: SharedMemory) -> None:
        self._slot_bytes = event.slot_bytes
        self._slots = event.slots
        self._block = attach(event.name)

    def read(self, event: LiveFrame) -> Frame | None:
        """Return a copy of the frame in its slot, None where the event does not fit the block."""
        size = event.height * event.width * BYTES_PER_PIXEL
        start = event.slot * self._slot_bytes
        is_inside = 0 <= event.slot < self._slots and 0 < size <= self._slot_bytes
        if not is_inside or start + size > self._block.size:
            return None
        shape = (event.height, event.width, BYTES_PER_PIXEL)
        pixels = np.ndarray(shape, np.uint8, self._block.buf, start).copy()
        image = QImage(
            pixels.data,
            event.width,
            event.height,
            event.width * BYTES_PER_PIXEL,
            QImage.Format.Format_RGB32,
        )
        return Frame(event, pixels, image)

    def close(self) -> None:
        """Let go of the block; the worker deletes it."""
        self._block.close()


class LiveFeed(QObject):
    """What the live page sees of a running live job.

    The job's process is somebody else's: whoever runs it passes every event to `accept` and obeys
    `stop_requested` (cancel) and `kill_requested` (the worker did not stop in time).

    Signals
    -------
    frame_arrived
        The newest `Frame`; frames that were overtaken are counted in `skipped`, never queued.
    counters_changed
        The newest `answers.LiveReport`.
    noted
        A `Note` or `Progress` event.
    ended
        The terminal event; nothing follows.
    """

    frame_arrived = Signal(object)
    counters_changed = Signal(object)
    noted = Signal(object)
    ended = Signal(object)
    stop_requested = Signal()
    kill_requested = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.skipped = 0
        self.is_over = False
        self._reader: FrameReader | None = None
        self._waiting: LiveFrame | None = None
        self._delivery = QTimer(self)
        self._delivery.setSingleShot(True)
        self._delivery.setInterval(0)
        self._delivery.timeout.connect(self._deliver)
        self._kill = QTimer(self)
        self._kill.setSingleShot(True)
        self._kill.setInterval(KILL_AFTER_MS)
        self._kill.timeout.connect(self.kill_requested)

    def accept(self, event: Event) -> None:
        """Take one event of the live job, in the order the worker sent them."""
        if self.is_over:
            return
        if isinstance(event, LiveFrame):
            self._keep(event)
        elif isinstance(event, SharedMemory):
            self._open(event)
        elif isinstance(event, LiveCounters):
            self._count(event)
        elif isinstance(event, Note | Progress):
            self.noted.emit(event)
        elif isinstance(event, TERMINAL_EVENTS):
            self._end(event)

    def stop(self) -> None:
        """Ask the worker to stop; it is killed if it has not within a second."""
        if self.is_over or self._kill.isActive():
            return
        self._kill.start()
        self.stop_requested.emit()

    def _open(self, event: SharedMemory) -> None:
        self._close_reader()
        try:
            self._reader = FrameReader(event)
        except (OSError, ValueError) as error:
            self.noted.emit(
                Note(
                    level="warning",
                    what="The live picture cannot be shown",
                    why=str(error),
                    next_step="Stop and start again",
                )
            )

    def _keep(self, event: LiveFrame) -> None:
        # The timer fires only after all lines that wait in the pipe were read: of a backlog only
        # the newest frame is copied and painted.
        if self._waiting is not None:
            self.skipped += 1
        self._waiting = event
        if not self._delivery.isActive():
            self._delivery.start()

    def _deliver(self) -> None:
        event, self._waiting = self._waiting, None
        if event is None or self._reader is None:
            return
        frame = self._reader.read(event)
        if frame is not None:
            self.frame_arrived.emit(frame)

    def _count(self, event: LiveCounters) -> None:
        try:
            report = LiveReport.model_validate(event.report)
        except ValidationError:
            return
        self.counters_changed.emit(report)

    def _end(self, event: Finished | Cancelled | Failed) -> None:
        self.is_over = True
        self._kill.stop()
        self._delivery.stop()
        self._waiting = None
        self._close_reader()
        self.ended.emit(event)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
