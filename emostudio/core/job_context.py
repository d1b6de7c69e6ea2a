"""What a running job is given besides its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def _no_report(fraction: float, message: str) -> None:
    del fraction, message


def _never() -> bool:
    return False


@dataclass(frozen=True)
class JobContext:
    """What a running job is given besides its settings.

    Attributes
    ----------
    folder
        The job's own folder for checkpoints and files.
    device
        ``cpu``, ``cuda`` or ``mps``.
    threads
        CPU threads the job may use.
    report
        ``report(fraction, message)``: progress from inside one long call. Raises
        `errors.JobCancelled` when the user cancelled, so call it at least twice a second.
    checkpoint_requested
        Returns True once when the user asked for a checkpoint now.
    """

    folder: Path
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    report: Callable[[float, str], None] = field(default=_no_report)
    checkpoint_requested: Callable[[], bool] = field(default=_never)
