"""Events: what a job says while it runs. Frozen, small, one JSON line each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    # NaN and infinity travel as JSON constants: a diverged loss must reach the chart as it is.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Progress(_Event):
    """Share of the job done, with one line on what happens now; `fraction` None is unknown."""

    type: Literal["progress"] = "progress"
    fraction: float | None = None
    message: str = ""
    seconds_left: float | None = None


class Note(_Event):
    """A line for the job's log, or a diagnosis the window shows as a note."""

    type: Literal["note"] = "note"
    level: Literal["info", "warning", "doctor"] = "info"
    what: str
    why: str = ""
    next_step: str = ""

    @property
    def text(self) -> str:
        """The note as one line."""
        told = f"{self.what.rstrip('.')}: {self.why}" if self.why else self.what
        return f"{told.rstrip('.')}. {self.next_step}" if self.next_step else told


class StageStarted(_Event):
    """Step `index` (from 0) of `count` in a recipe begins."""

    type: Literal["stage_started"] = "stage_started"
    index: int
    count: int
    method: str
    title: str


class StageDone(_Event):
    """A recipe step ended, with the ledger of the model it produced."""

    type: Literal["stage_done"] = "stage_done"
    index: int
    method: str
    accuracy: float | None = None
    disk_bytes: int | None = None
    planned_disk_bytes: int | None = None
    parameters: int | None = None
    macs: int | None = None
    latency_ms: float | None = None
    resident_bytes: int | None = None


class StepDone(_Event):
    """One optimiser step; `step` counts from 1 over the whole run."""

    type: Literal["step"] = "step"
    step: int
    epoch: int
    loss: float
    learning_rate: float
    images_per_s: float | None = None
    step_ms: float | None = None


class EpochDone(_Event):
    """One pass over the training split; errors are shares in [0, 1], epochs count from 1."""

    type: Literal["epoch"] = "epoch"
    epoch: int
    epochs: int
    train_loss: float
    train_error: float
    validation_loss: float | None = None
    validation_error: float | None = None
    learning_rate: float
    seconds: float
    seconds_left: float | None = None


class LayerState(_Event):
    """How one layer learns.

    `flip_rate` is the share of binary weights that changed sign per step, None for layers without;
    `gradient_ratio` is the norm of the gradient over the norm of the weights.
    """

    name: str
    flip_rate: float | None = None
    gradient_ratio: float | None = None
    is_dead: bool = False


class LayerHealth(_Event):
    """How the layers learn, by the training doctor; about once in fifty steps."""

    type: Literal["layer_health"] = "layer_health"
    step: int
    epoch: int
    layers: tuple[LayerState, ...]


class CheckpointSaved(_Event):
    """A checkpoint is safely on disk."""

    type: Literal["checkpoint"] = "checkpoint"
    file: str
    step: int
    epoch: int


class VariantSaved(_Event):
    """A model file was written into the workspace."""

    type: Literal["variant"] = "variant"
    model: str
    file: str
    disk_bytes: int
    planned_disk_bytes: int | None = None


class Agreement(_Event):
    """On which share of `images` held-out pictures a student answers as its teacher does."""

    type: Literal["agreement"] = "agreement"
    share: float
    images: int


class LiveFrame(_Event):
    """A frame of a live view is in shared memory; faces and probabilities travel here."""

    type: Literal["live_frame"] = "live_frame"
    number: int
    slot: int
    height: int
    width: int
    captured_s: float
    faces: tuple[tuple[int, int, int, int], ...] = ()
    truth: tuple[str, ...] = ()
    probabilities: tuple[tuple[tuple[float, ...], ...], ...] = ()
    """Per variant, per face, over that variant's labels."""


class LiveCounters(_Event):
    """Running figures of a live view, sent about twice a second; see `answers.LiveReport`."""

    type: Literal["live_counters"] = "live_counters"
    report: dict[str, Any]


class SharedMemory(_Event):
    """Names the shared memory block and its slots before the first `LiveFrame`."""

    type: Literal["shared_memory"] = "shared_memory"
    name: str
    slot_bytes: int
    slots: int


class Finished(_Event):
    """The job's last event: it did all it was asked."""

    type: Literal["finished"] = "finished"
    result: dict[str, Any] = Field(default_factory=dict)


class Cancelled(_Event):
    """The job's last event: it stopped because it was asked to."""

    type: Literal["cancelled"] = "cancelled"
    kept: str = ""


class Failed(_Event):
    """The job's last event: it could not go on."""

    type: Literal["failed"] = "failed"
    what: str
    why: str = ""
    next_step: str = ""
    details: str = ""
    exit_code: int = 1


Event = Annotated[
    Progress
    | Note
    | StageStarted
    | StageDone
    | StepDone
    | EpochDone
    | LayerHealth
    | CheckpointSaved
    | VariantSaved
    | Agreement
    | LiveFrame
    | LiveCounters
    | SharedMemory
    | Finished
    | Cancelled
    | Failed,
    Field(discriminator="type"),
]

TERMINAL_EVENTS = (Finished, Cancelled, Failed)

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def parse_event(line: str | bytes) -> Event:
    """Read one event from its JSON line.

    Raises
    ------
    pydantic.ValidationError
        If the line is not an event.
    """
    return _ADAPTER.validate_json(line)


def event_line(event: Event) -> str:
    """Return the event as one line of JSON, without the line break."""
    return event.model_dump_json()
