"""Parts: the pieces of work that the experiments share, each one job of the studio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from emostudio.core.answers import BenchResult, EvaluationResult, Ratio
from emostudio.core.jobs import BenchJob, CompressJob, EvaluateJob, ImportModelJob, Job, TrainJob

MODEL_OF = "part:"
"""A model argument that begins so stands for the model that another part makes."""

NO_LABELS = "no-labels:"
"""A data argument that begins so stands for the pictures behind it, their labels taken away."""


@dataclass(frozen=True)
class Part:
    """One job of an experiment.

    Attributes
    ----------
    key
        Unique within a study; parts with the same key are done once for all experiments.
    title
        What is done, for the progress line.
    job
        Models of other parts stand as ``part:KEY``.
    weight
        Expected time relative to the other parts.
    """

    key: str
    title: str
    job: Job
    weight: float = 1.0

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the parts whose models the job takes."""
        return tuple(name[len(MODEL_OF) :] for name in _models(self.job) if _is_part(name))

    @property
    def data(self) -> str | None:
        """Data argument of the job, its labels seen or not; None where it takes no pictures."""
        argument: str | None = getattr(self.job, "data", None)
        return argument.removeprefix(NO_LABELS) if argument is not None else None

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides the outcome, apart from the parts needed and the pictures."""
        content = json.dumps(self.job.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def resolved(self, names: Mapping[str, str], data: Callable[[str], str]) -> Job:
        """Return the job with real models and datasets in place of parts and data arguments.

        Where a job takes several models, those of parts that failed are left out.
        """
        job = self.job
        update: dict[str, Any] = {}

        def name(model: str) -> str:
            return names[model[len(MODEL_OF) :]] if _is_part(model) else model

        def several(models: tuple[str, ...]) -> tuple[str, ...]:
            known = (m for m in models if not _is_part(m) or m[len(MODEL_OF) :] in names)
            return tuple(map(name, known))

        if isinstance(job, CompressJob):
            update = {"teacher": name(job.teacher), "data": data(job.data)}
        elif isinstance(job, EvaluateJob):
            update = {"models": several(job.models), "data": data(job.data)}
        elif isinstance(job, BenchJob):
            update = {"models": several(job.models)}
        elif isinstance(job, TrainJob | ImportModelJob) and job.data is not None:
            update = {"data": data(job.data)}
        return job.model_copy(update=update)


class StepTime(BaseModel):
    """Median time of an optimiser step with its 95 % interval.

    Attributes
    ----------
    median_ms, low_ms, high_ms
        Mean over blocks of steps, one median each.
    steps, blocks
        Of the training timed; no blocks where steps were taken for independent of each other.
    trainings
        Of the part; the last of them was timed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    median_ms: float
    low_ms: float
    high_ms: float
    steps: int
    blocks: int = 0
    trainings: int = 1


class PartResult(BaseModel):
    """What a finished part left; kept in the workspace from the moment it is done.

    Attributes
    ----------
    fingerprint
        That of the part: a changed preset is done again.
    data_fingerprint
        That of the pictures, labels included, which the part was given; None where it takes none,
        and in results from before it was kept. Made from others now, the part is done again.
    inputs
        The `identity` of every part whose model the job was given; made anew, this one is done
        again.
    train_error, test_error
        By epoch, over all trainings of the part; the test error is that on the pictures kept
        back to watch the training.
    agreement
        Share of held-out pictures on which a student answers as its teacher does.
    block_medians_ms
        Of a benchmark, by model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    fingerprint: str
    finished: datetime
    seconds: float
    machine: dict[str, Any]
    device: str
    seed: int = 0
    model: str = ""
    parameters: int | None = None
    disk_bytes: int | None = None
    evaluation: EvaluationResult | None = None
    evaluations: tuple[EvaluationResult, ...] = ()
    train_error: tuple[float, ...] = ()
    test_error: tuple[float | None, ...] = ()
    train_images: int = 0
    held_out_images: int = 0
    batch_size: int = 0
    inputs: tuple[str, ...] = ()
    data_fingerprint: str | None = None
    step: StepTime | None = None
    agreement: float | None = None
    bench: tuple[BenchResult, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    block_medians_ms: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What tells the model from one made later under the same name."""
        return f"{self.model} {self.finished.isoformat()}"


def _is_part(name: str) -> bool:
    return name.startswith(MODEL_OF)


def _models(job: Job) -> tuple[str, ...]:
    if isinstance(job, CompressJob):
        return (job.teacher,)
    return job.models if isinstance(job, EvaluateJob | BenchJob) else ()
