"""Keep a recorded or drawn source at its frame rate."""

from __future__ import annotations

import time

_LONGEST_WAIT_S = 0.25


class Pace:
    """Waits until the next frame of a steady rate is due.

    Parameters
    ----------
    fps
        Frames per second.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1.0 / fps
        self._started = time.monotonic()
        self._due = self._started

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first frame was due."""
        return time.monotonic() - self._started

    def is_due(self) -> bool:
        """Wait at most a quarter of a second; return whether the next frame is due now."""
        now = time.monotonic()
        if now < self._due:
            time.sleep(min(self._due - now, _LONGEST_WAIT_S))
            now = time.monotonic()
        if now < self._due:
            return False
        # After a hold-up the rate goes on from here: frames are not made up for.
        self._due = max(self._due + self._period_s, now)
        return True

    def wait(self) -> None:
        """Wait until the next frame is due."""
        while not self.is_due():
            pass
