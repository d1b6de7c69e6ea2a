"""How a running job is paused, cancelled or asked for a checkpoint from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from emostudio.core.errors import JobCancelled
from emostudio.core.events import Event, Progress

_POLL_S = 0.25
_REPORT_EVERY_S = 0.1


class JobControl:
    """Requests to one running job; every method may be called from any thread.

    Parameters
    ----------
    on_report
        Receives the progress of long calls, which cannot yield events themselves.

    Attributes
    ----------
    window_gone
        Whether the job stops because its window is gone, not because the user cancelled.
    """

    def __init__(self, on_report: Callable[[Event], None] | None = None) -> None:
        self._listeners = [on_report] if on_report else []
        self._on_pause: Callable[[bool], None] | None = None
        self._running = threading.Event()
        self._running.set()
        self._cancelled = threading.Event()
        self._checkpoint = threading.Event()
        self._request_file: Path | None = None
        self._next_poll_s = 0.0
        self._next_report_s = 0.0
        self.window_gone = False

    def pause(self) -> None:
        """Let the job stand still after its next event."""
        self._running.clear()

    def resume(self) -> None:
        """Let a paused job go on."""
        self._running.set()

    def cancel(self) -> None:
        """Ask the job to stop, keeping what it has: training saves a checkpoint on its way out."""
        self._cancelled.set()
        self._running.set()

    def checkpoint(self) -> None:
        """Ask the job to save a checkpoint."""
        self._checkpoint.set()

    def attach(
        self,
        request_file: Path,
        on_report: Callable[[Event], None],
        on_pause: Callable[[bool], None],
    ) -> None:
        """Connect a run: its cancel file from other processes, its journal and its status."""
        self._request_file = request_file
        self._listeners.append(on_report)
        self._on_pause = on_pause

    @property
    def is_cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        self._poll()
        return self._cancelled.is_set()

    def wait_while_paused(self) -> None:
        """Stand still until the job may go on or is cancelled."""
        if self._running.is_set():
            return
        if self._on_pause is not None:
            self._on_pause(True)  # noqa: FBT003 - the callback's one meaning
        while not self._running.wait(_POLL_S):
            self._poll()
        if self._on_pause is not None:
            self._on_pause(False)  # noqa: FBT003 - the callback's one meaning

    def take_checkpoint_request(self) -> bool:
        """Return True once after `checkpoint`."""
        is_requested = self._checkpoint.is_set()
        self._checkpoint.clear()
        return is_requested

    def report(self, fraction: float, message: str) -> None:
        """Pass on progress from inside a long call.

        Raises
        ------
        JobCancelled
            If the user cancelled.
        """
        self.wait_while_paused()
        if self.is_cancelled:
            raise JobCancelled("Cancelled")
        if time.monotonic() < self._next_report_s:
            return
        self._next_report_s = time.monotonic() + _REPORT_EVERY_S
        for listener in self._listeners:
            listener(Progress(fraction=fraction, message=message))

    def _poll(self) -> None:
        if self._request_file is None or time.monotonic() < self._next_poll_s:
            return
        self._next_poll_s = time.monotonic() + _POLL_S
        if self._request_file.exists():
            self._request_file.unlink(missing_ok=True)
            self.cancel()
