"""A worker that has done its imports before anybody needs it."""

from __future__ import annotations

import psutil
from PySide6.QtCore import QObject, QTimer

from emostudio.qt.job_runner import JobRunner

WAIT_MS = 4_000
"""How long the window is left in peace before a spare is started."""

LEAST_FREE_BYTES = 2 * 2**30
"""A spare holds a few hundred MB; below this they are better left to jobs."""


class SpareWorker(QObject):
    """Keeps at most one idle worker, so that a live view or a job starts at once."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._spare: JobRunner | None = None
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.timeout.connect(self._start)

    @property
    def pid(self) -> int:
        """Return the spare's process id, 0 while there is none."""
        return self._spare.pid if self._spare is not None else 0

    def wanted_soon(self) -> None:
        """Start a spare after a while in which nobody calls `not_now`."""
        if self._spare is None:
            self._delay.start(WAIT_MS)

    def not_now(self) -> None:
        """Start none while something runs: its imports would disturb a measurement."""
        self._delay.stop()

    def take(self, parent: QObject) -> JobRunner:
        """Return the spare, or a runner whose process has yet to start."""
        self._delay.stop()
        runner, self._spare = self._spare, None
        if runner is None or not runner.is_alive:
            return JobRunner(parent)
        runner.process_ended.disconnect(self._on_ended)
        runner.setParent(parent)
        return runner

    def close(self, milliseconds: int) -> None:
        """End the spare; nothing can be lost."""
        self._delay.stop()
        runner, self._spare = self._spare, None
        if runner is not None:
            runner.kill()
            runner.wait(milliseconds)

    def _start(self) -> None:
        if self._spare is not None or psutil.virtual_memory().available < LEAST_FREE_BYTES:
            return
        self._spare = JobRunner(self)
        self._spare.process_ended.connect(self._on_ended)
        self._spare.warm_up(is_spare=True)

    def _on_ended(self) -> None:
        # One that cannot stay alive is not started again: the job itself will say why.
        if self._spare is not None:
            self._spare.deleteLater()
            self._spare = None
