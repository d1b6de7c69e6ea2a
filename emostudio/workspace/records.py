"""Rows of the workspace, as frozen data shared by the window, the worker and the command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from emostudio.core.answers import BenchResult, EvaluationResult, PairedResult, Ratio
from emostudio.core.jobs import Job, JobStatus
from emostudio.core.model_info import ModelInfo


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunRecord(_Record):
    """One execution of a job and where its folder is."""

    id: str
    kind: str
    title: str
    status: JobStatus
    job: Job
    folder: Path
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    pid: int | None = None
    fraction: float | None = None
    message: str = ""
    seconds_left: float | None = None
    models: tuple[str, ...] = ()
    """Names of the models the run produced."""
    error: str = ""
    result: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether the run still waits, runs or is paused."""
        return self.status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED}

    @property
    def can_resume(self) -> bool:
        """Whether the run ended early and can be taken up again."""
        return self.status in {JobStatus.LOST, JobStatus.CANCELLED, JobStatus.FAILED}


class ModelRecord(_Record):
    """A teacher or variant in the workspace."""

    name: str
    role: Literal["teacher", "variant"]
    file: Path
    info: ModelInfo
    disk_bytes: int
    parameters: int | None = None
    macs: int | None = None
    parent: str | None = None
    run: str | None = None
    created: datetime
    slot: int
    """Series slot (colour, dash, mark), kept for the life of the workspace; teachers first."""
    evaluations: tuple[EvaluationRecord, ...] = ()
    """Newest first."""
    benches: tuple[BenchRecord, ...] = ()
    """Newest first."""


class EvaluationRecord(_Record):
    """A stored accuracy measurement."""

    dataset: str
    split: str
    measured: datetime
    result: EvaluationResult
    paired: tuple[PairedResult, ...] = ()
    """This model (as `b`) against others on the same images, measured together."""
    fingerprint: str = ""
    """That of the dataset, labels included; empty in records from before it was kept."""

    @property
    def pictures(self) -> tuple[str, str, str]:
        """What was judged: only accuracies on the same pictures can be compared."""
        return (self.dataset, self.split, self.fingerprint)

    def may_be_on(self, pictures: tuple[str, str, str]) -> bool:
        """Whether it is on these, or on some of that name while nobody noted which."""
        dataset, split, fingerprint = pictures
        is_known = bool(self.fingerprint and fingerprint)
        same_name = (self.dataset, self.split) == (dataset, split)
        return same_name and (self.fingerprint == fingerprint or not is_known)


class BenchRecord(_Record):
    """A stored latency and memory measurement with the machine it comes from."""

    measured: datetime
    bench: str
    """Id shared by the results that were interleaved with each other."""
    machine: dict[str, Any]
    result: BenchResult
    ratios: tuple[Ratio, ...] = ()
    """Ratios of the same bench in which this model takes part on this engine."""
    blockers: tuple[str, ...] = ()
    """Why the figures must not be published; empty if they may."""
    conditions: dict[str, Any] = Field(default_factory=dict)
    """Load, power, throttling and threads while measuring, see `evaluation.machine.conditions`."""


class DatasetRecord(_Record):
    """A dataset whose pixels are cached in the workspace."""

    name: str
    folder: Path
    source: str
    reader: str
    samples: int
    labels: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    created: datetime
    report: dict[str, Any] = Field(default_factory=dict)
    """The `answers.DataReport` of the import, thumbnails included."""


class UserSettings(_Record):
    """Choices kept with the workspace."""

    theme: Literal["system", "light", "dark"] = "system"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int = Field(0, ge=0, le=256)
    """0 means one per physical core."""
    text_scale: float = Field(1.0, ge=0.8, le=2.0)
    reduce_motion: bool = False
    live_notice_read: bool = False
