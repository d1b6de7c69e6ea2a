"""Control of one part: the whole job's, with progress that means the whole job."""

from __future__ import annotations

from collections.abc import Callable

from emostudio.worker.control import JobControl


class PartControl(JobControl):
    """Passes everything on to the job's own control.

    Parameters
    ----------
    outer
        The job's.
    overall
        Turns progress within the part into progress of the job.
    title
        Of the part; goes before every message.
    """

    def __init__(self, outer: JobControl, overall: Callable[[float], float], title: str) -> None:
        super().__init__()
        self._outer = outer
        self._overall, self._title = overall, title

    @property
    def is_cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._outer.is_cancelled

    def cancel(self) -> None:
        """Ask the whole job to stop."""
        self._outer.cancel()

    def wait_while_paused(self) -> None:
        """Stand still until the job may go on or is cancelled."""
        self._outer.wait_while_paused()

    def take_checkpoint_request(self) -> bool:
        """Return True once after a checkpoint was asked for."""
        return self._outer.take_checkpoint_request()

    def report(self, fraction: float, message: str) -> None:
        """Pass on progress from inside a long call; raises `JobCancelled` on cancel."""
        self._outer.report(self._overall(fraction), f"{self._title}: {message}")
