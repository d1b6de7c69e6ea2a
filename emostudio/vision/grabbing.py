"""A thread that reads a source; the newest frame wins, a stalled source is opened again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.vision.base import Capture, Frame

_MOST_STUCK = 3
"""Threads that hang in a driver and are left behind before opening anew is given up."""

_MOST_ATTEMPTS = 3
"""Attempts to get a first frame before the source is given up."""


@dataclass(frozen=True)
class Patience:
    """How long a source may take.

    Attributes
    ----------
    first_s
        Seconds until the first frame of an opened source.
    next_s
        Seconds from one frame to the next.
    retry_s
        Seconds between two attempts to open it again.
    """

    first_s: float = 5.0
    next_s: float = 2.0
    retry_s: float = 1.0


class Grabber:
    """Reads a source in a thread of its own and hands over the newest frame.

    Parameters
    ----------
    open_capture
        Opens the source; called in the thread, again after every failure.
    patience
        How long to wait before a source counts as stalled.

    Attributes
    ----------
    dropped
        Frames that were overtaken by a newer one before anybody took them.
    message
        What is wrong with the source now; empty while frames arrive.
    """

    def __init__(
        self, open_capture: Callable[[], Capture], patience: Patience | None = None
    ) -> None:
        self._open = open_capture
        self._patience = patience or Patience()
        self._ready = threading.Condition()
        self._frame: Frame | None = None
        self._failure: Exception | None = None
        self._has_delivered = False
        self._alive_s = self._attempt_s = time.monotonic()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._attempts = 0
        self.dropped = 0
        self.message = ""

    def start(self) -> None:
        """Open the source and begin to read."""
        self._stop = threading.Event()
        self._failure = None
        self._attempts += 1
        grace = self._patience.first_s - self._patience.next_s
        self._attempt_s = time.monotonic()
        self._alive_s = self._attempt_s + grace
        thread = threading.Thread(
            target=self._read, args=(self._stop,), name="frame grabber", daemon=True
        )
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    def take(self, timeout_s: float) -> Frame | None:
        """Return the newest frame that was not taken yet, None if none comes in time.

        Raises
        ------
        EmoStudioError
            If the source could not be opened in the first place.
        """
        with self._ready:
            self._ready.wait_for(lambda: self._frame or self._failure, timeout_s)
            frame, self._frame = self._frame, None
        if frame is None:
            self._watch(timeout_s)
        return frame

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop reading and let go of the source; a thread that hangs in a driver is left."""
        self._stop.set()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _read(self, stop: threading.Event) -> None:
        capture = None
        try:
            capture = self._open()
            while not stop.is_set():
                self._put(capture.read(), stop)
        except (EmoStudioError, OSError, RuntimeError, ValueError, cv2.error) as error:
            with self._ready:
                if not stop.is_set():
                    self._failure = error
                    self._ready.notify()
        finally:
            if capture is not None:
                capture.close()

    def _put(self, frame: Frame, stop: threading.Event) -> None:
        with self._ready:
            if stop.is_set():  # a thread that was given up woke up late
                return
            self.dropped += self._frame is not None
            self._frame = frame
            self._has_delivered = True
            self._alive_s = time.monotonic()
            self.message = ""
            self._ready.notify()

    def _watch(self, timeout_s: float) -> None:
        """Look after a source that gave no frame: report it, open it again when it is time."""
        now = time.monotonic()
        failure = self._failure
        if failure is not None:
            is_hopeless = isinstance(failure, InputError) or self._attempts >= _MOST_ATTEMPTS
            if not self._has_delivered and is_hopeless:
                raise failure
            self.message = f"{str(failure).rstrip('.')}. Trying again"
        elif now - self._alive_s < self._patience.next_s:
            return
        else:
            self.message = "The source gives no picture. Trying again"
            self._stop.set()
        stuck = sum(thread.is_alive() for thread in self._threads)
        if now - self._attempt_s >= self._patience.retry_s and stuck < _MOST_STUCK:
            self._stop.set()
            self.start()
        else:
            time.sleep(min(timeout_s, 0.05))
