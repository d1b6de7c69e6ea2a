"""What is known about a model besides its weights; stored inside every model file."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from emostudio.core.emotions import Emotion
from emostudio.core.recipe import Recipe

BLACK_BOX = "onnx"
"""Architecture key of models of which only the outputs are known."""


class Preprocessing(BaseModel):
    """How a face becomes a network's input; the same object in training, evaluation and live.

    Pixels are resized to (`height`, `width`), turned into `channels` (1 grey, 3 RGB), multiplied
    by `scale`, shifted by `offset`, then normalised per channel with `mean` and `std`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(48, ge=8, le=512)
    width: int = Field(48, ge=8, le=512)
    channels: Literal[1, 3] = 3
    scale: float = 1.0 / 255.0
    offset: float = 0.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    @model_validator(mode="after")
    def _fits_the_channels(self) -> Self:
        if not {len(self.mean), len(self.std)} <= {1, self.channels}:
            raise ValueError("mean and std hold one value, or one for each channel")
        if not all(deviation > 0 for deviation in self.std):
            raise ValueError("std must be above zero")
        return self

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one network input."""
        return (self.channels, self.height, self.width)


class StructureRecord(BaseModel):
    """One structural change to replay when a variant is loaded: a layer replaced by a method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: str
    method: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Lineage(BaseModel):
    """Where a model came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parent: str | None = None
    teacher: str | None = None
    parent_sha256: str | None = None
    dataset: str | None = None
    run: str | None = None
    seed: int | None = None


class ModelInfo(BaseModel):
    """Name, architecture, labels, preprocessing, recipe and lineage of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    architecture: str
    architecture_settings: dict[str, Any] = Field(default_factory=dict)
    labels: tuple[Emotion, ...]
    preprocessing: Preprocessing
    outputs: Literal["logits", "probabilities"] = "logits"
    recipe: Recipe = Recipe()
    structure: tuple[StructureRecord, ...] = ()
    lineage: Lineage = Lineage()
    measurements: dict[str, Any] = Field(default_factory=dict)

    @field_validator("labels")
    @classmethod
    def _each_once(cls, labels: tuple[Emotion, ...]) -> tuple[Emotion, ...]:
        if len(set(labels)) != len(labels):
            raise ValueError("two labels mean the same emotion")
        return labels

    @property
    def is_black_box(self) -> bool:
        """Whether only the outputs of the model are known."""
        return self.architecture == BLACK_BOX
