"""What a closer look at compared models found: single pictures, single layers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChangedPicture(_Answer):
    """A picture to which two models gave different answers; emotions by their names."""

    item: str
    truth: str
    before: str
    now: str
    confidence_before: float
    confidence_now: float
    png_base64: str


class ModelChanges(_Answer):
    """What a model judges otherwise than `against`, over the pictures that count for both."""

    model: str
    against: str
    pictures: int
    changed: int
    lost: int
    """Pictures that only `against` gets right."""
    gained: int
    """Pictures that only `model` gets right."""
    shown: tuple[ChangedPicture, ...] = ()


class ChangesReport(_Answer):
    """`emostudio changes`."""

    data: str
    split: str
    changes: tuple[ModelChanges, ...]


class LayerProfile(_Answer):
    """One layer of a profile, with what became of it summed up."""

    layer: str
    kind: str
    kernels: tuple[str, ...] = ()
    """What computed it; empty where another kernel did it along."""
    ms: float | None = None
    """Median over blocks of its mean time."""
    interval: tuple[float, float] | None = None
    """95 % interval of `ms`."""
    macs: int
    parameters: int
    disk_bytes: int
    weight_error: float | None = None
    """Relative to the first model's weights, Frobenius norm; None where that means nothing."""
    parts: int = 1
    """How many layers stand for it now."""


class ModelProfile(_Answer):
    """The layers of one model; their sum is no latency, as watching costs time."""

    model: str
    engine: str
    threads: int
    kernels: Literal["real", "simulated"]
    layers: tuple[LayerProfile, ...]
    other_ms: float
    """Changes of layout and whatever belongs to no layer."""
    total_ms: float


class ProfileReport(_Answer):
    """`emostudio profile`: rows are the layers of the first model."""

    machine: dict[str, Any]
    conditions: dict[str, Any] = Field(default_factory=dict)
    """The machine's state before, and the ``foreign_share`` that others used meanwhile."""
    blocks: int
    profiles: tuple[ModelProfile, ...]
    warnings: tuple[str, ...] = ()
