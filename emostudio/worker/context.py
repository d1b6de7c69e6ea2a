"""What a handler is given."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from emostudio.core.events import Event
from emostudio.core.job_context import JobContext
from emostudio.core.jobs import JobStatus
from emostudio.worker.control import JobControl
from emostudio.workspace.processes import is_worked_on
from emostudio.workspace.records import RunRecord
from emostudio.workspace.store import Workspace

Answer = Any
"""A pydantic model or JSON data; becomes the result of the job's `Finished`."""

Handling = Generator[Event, None, Answer]
"""What a handler is: it yields events and returns its answer."""


@dataclass(frozen=True)
class HandlerContext:
    """The workspace a job works in and the means to be controlled.

    Attributes
    ----------
    workspace
        Where models, datasets and runs are.
    folder
        Folder for the job's files and checkpoints; a run's own, or a temporary one.
    run
        The job's run, None for questions.
    control
        Pause, cancel, checkpoint requests.
    """

    workspace: Workspace
    folder: Path
    run: RunRecord | None = None
    control: JobControl = field(default_factory=JobControl)

    @property
    def threads(self) -> int:
        """CPU threads a job may use."""
        return self.workspace.settings().threads or core_count()

    def job_context(self, seed: int = 0, subfolder: str = "") -> JobContext:
        """Return what engine calls take; the device is looked up in the user's settings."""
        folder = self.folder / subfolder if subfolder else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        return JobContext(
            folder=folder,
            seed=seed,
            device=best_device(self.workspace.settings().device),
            threads=self.threads,
            report=self.control.report,
            checkpoint_requested=self.control.take_checkpoint_request,
        )


def other_work(context: HandlerContext) -> tuple[str, ...]:
    """Return the titles of the workspace's other runs that a process works on right now."""
    own = context.run.id if context.run is not None else None
    return tuple(
        run.title
        for run in context.workspace.runs()
        if run.status == JobStatus.RUNNING and run.id != own and is_worked_on(run)
    )


def core_count() -> int:
    """Return the physical cores this process may use."""
    physical = psutil.cpu_count(logical=False) or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed) if physical > 1 else min(allowed, os.cpu_count() or 1))


def best_device(choice: str) -> str:
    """Turn ``auto`` into a device that is there; a device that was named is never exchanged.

    Training refuses a device the machine lacks, see `training.devices.pick_device`.
    """
    if choice != "auto":
        return choice
    import torch  # only jobs that ask for a device pay for this import

    has_mps = torch.backends.mps.is_available()
    return "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
