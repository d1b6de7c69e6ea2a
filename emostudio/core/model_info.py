"""What is known about a model besides its weights; stored inside every model file."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from emostudio.core.emotions import Emotion
from emostudio.core.recipe import Recipe

BLACK_BOX = "onnx"
"""Architecture key of ONNX graphs, of which only the outputs are known."""

CAFFE = "caffe"
"""Architecture key of Caffe models, of which only the outputs are known."""

ENSEMBLE = "ensemble"
"""Architecture key of several models that answer as one."""


_PLAIN = frozenset({"rgb", "none"})

Transform = Literal["none", "mapped_lbp"]
"""What is done to resized pixels before they are scaled, see `data.transforms`."""


class Preprocessing(BaseModel):
    """How a face becomes a network's input; the same object in training, evaluation and live.

    Pixels are resized to (`height`, `width`), or to a square of `resize` pixels of which the
    middle is taken, turned into `channels` (1 grey, 3 in `channel_order`), put through
    `transform`, multiplied by `scale`, shifted by `offset`, then normalised per channel with
    `mean` and `std`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(48, ge=8, le=512)
    width: int = Field(48, ge=8, le=512)
    channels: Literal[1, 3] = 3
    scale: float = 1.0 / 255.0
    offset: float = 0.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channel_order: Literal["rgb", "bgr"] = "rgb"
    resize: int = Field(0, ge=0, le=512)
    transform: Transform = "none"

    @model_validator(mode="after")
    def _fits_the_channels(self) -> Self:
        if not {len(self.mean), len(self.std)} <= {1, self.channels}:
            raise ValueError("mean and std hold one value, or one for each channel")
        if not all(deviation > 0 for deviation in self.std):
            raise ValueError("std must be above zero")
        if self.channels != 3 and (self.channel_order, self.transform) != ("rgb", "none"):
            raise ValueError("channel_order and transform need three channels")
        if self.channel_order != "rgb" and self.transform != "none":
            raise ValueError("a transform gives its channels in one order, so leave it rgb")
        if 0 < self.resize < max(self.height, self.width):
            raise ValueError("resize must not be smaller than height and width")
        return self

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one network input."""
        return (self.channels, self.height, self.width)

    @property
    def pixel_key(self) -> str:
        """Word for all that decides a picture's input pixels, scaling apart; fit for a file."""
        key = f"{self.height}x{self.width}x{self.channels}"
        if self.resize:
            key += f"-of{self.resize}"
        changes = [word for word in (self.channel_order, self.transform) if word not in _PLAIN]
        return "-".join([key, *changes])

    @property
    def untransformed(self) -> Preprocessing:
        """The same without its transform: pictures that can be varied in training."""
        return self.model_copy(update={"transform": "none"})


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
        return self.architecture in {BLACK_BOX, CAFFE, ENSEMBLE}
