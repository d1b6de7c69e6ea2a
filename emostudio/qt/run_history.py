"""What a run's events tell, gathered in arrays that charts can draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.events import (
    Cancelled,
    CheckpointSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    LayerHealth,
    Note,
    StageDone,
    StageStarted,
    StepDone,
)
from emostudio.workspace.store import Workspace

READ_BYTES = 128 * 1024
"""Read at most this much of a run's events at once: about 15 ms of parsing."""

_NAN = float("nan")


class Columns:
    """Rows of numbers that grow without copying each time."""

    def __init__(self, *names: str) -> None:
        self._names = {name: place for place, name in enumerate(names)}
        self._rows = np.empty((64, len(names)), np.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, *values: float | None) -> None:
        """Add a row; None becomes NaN."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = [_NAN if value is None else value for value in values]
        self._count += 1

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        column: NDArray[np.float64] = self._rows[: self._count, self._names[name]]
        return column

    def last(self, name: str) -> float | None:
        """Return the newest value, None where there is none or it is not finite."""
        value = float(self[name][-1]) if self._count else _NAN
        return value if math.isfinite(value) else None


class RunHistory:
    """Everything a run has said so far; `read` takes in what is new.

    Attributes
    ----------
    epochs
        ``x`` counts epochs over all stages; errors are percent.
    steps
        ``x`` counts steps over all stages.
    flips
        Median over the binary layers of the percentage of signs that flipped per step.
    health
        The newest word of the training doctor.
    """

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self.run_id = run_id
        self._workspace = workspace
        self._start = 0
        self.epochs = Columns(
            "x", "train_error", "validation_error", "train_loss", "validation_loss",
            "learning_rate", "seconds",
        )  # fmt: skip
        self.steps = Columns("x", "loss", "learning_rate", "images_per_s", "step_ms")
        self.flips = Columns("x", "flip_rate")
        self.health: LayerHealth | None = None
        self.epoch_count = 0
        self.epoch = 0
        self.epoch_offset = 0
        self.step_offset = 0
        self.stage: StageStarted | None = None
        self.stages: list[StageDone] = []
        self.notes: list[Note] = []
        self.failure: Failed | None = None
        self.result: dict[str, Any] = {}
        self.has_ended = False
        self.checkpoint: CheckpointSaved | None = None

    def read(self) -> bool:
        """Take in new events; returns whether there were any."""
        events, self._start = self._workspace.events(self.run_id, self._start, READ_BYTES)
        for event in events:
            self.accept(event)
        return bool(events)

    def accept(self, event: Event) -> None:
        """Take in one event."""
        # A resumed run tells more after an end.
        self.has_ended = isinstance(event, Failed | Finished | Cancelled)
        if isinstance(event, StepDone):
            self._add_step(event)
        elif isinstance(event, EpochDone):
            self._add_epoch(event)
        elif isinstance(event, LayerHealth):
            self._add_health(event)
        elif isinstance(event, StageStarted):
            self._start_stage(event)
        elif isinstance(event, StageDone):
            self.stages.append(event)
        elif isinstance(event, Note):
            self.notes.append(event)
        elif isinstance(event, CheckpointSaved):
            self.checkpoint = event
        elif isinstance(event, Failed | Finished | Cancelled):
            self._end(event)

    def _end(self, event: Failed | Finished | Cancelled) -> None:
        if isinstance(event, Failed):
            self.failure = event
        elif isinstance(event, Finished):
            self.result = event.result

    def has_nothing_to_draw(self) -> bool:
        """Whether the run ended without a training or a step of a recipe."""
        told = (len(self.epochs), len(self.steps), self.stage, self.stages)
        return self.has_ended and not any(told) and not self.result.get("shares")

    def best_error(self) -> tuple[float, int] | None:
        """Return the lowest validation error in percent and its epoch."""
        errors = self.epochs["validation_error"]
        if not np.isfinite(errors).any():
            return None
        place = int(np.nanargmin(errors))
        return float(errors[place]), int(self.epochs["x"][place])

    def _add_step(self, event: StepDone) -> None:
        x = event.step + self.step_offset
        if len(self.steps) and x <= self.steps["x"][-1]:
            return  # a resumed run repeats, bit by bit, the steps after its checkpoint
        self.steps.append(x, event.loss, event.learning_rate, event.images_per_s, event.step_ms)

    def _add_epoch(self, event: EpochDone) -> None:
        self.epoch, self.epoch_count = event.epoch, event.epochs
        x = event.epoch + self.epoch_offset
        if len(self.epochs) and x <= self.epochs["x"][-1]:
            return  # told before the run was resumed
        validation = event.validation_error
        self.epochs.append(
            x,
            100 * event.train_error,
            None if validation is None else 100 * validation,
            event.train_loss,
            event.validation_loss,
            event.learning_rate,
            event.seconds,
        )

    def _add_health(self, event: LayerHealth) -> None:
        self.health = event
        x = event.step + self.step_offset
        rates = [layer.flip_rate for layer in event.layers if layer.flip_rate is not None]
        if rates and not (len(self.flips) and x <= self.flips["x"][-1]):
            self.flips.append(x, 100 * float(np.median(rates)))

    def _start_stage(self, event: StageStarted) -> None:
        if self.stage is not None and event.index > self.stage.index:
            self.epoch_offset = int(self.epochs["x"][-1]) if len(self.epochs) else 0
            self.step_offset = int(self.steps["x"][-1]) if len(self.steps) else 0
        self.stage = event
