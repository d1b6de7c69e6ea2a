"""Statistics that stand beside a measurement; part of what the engine answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Steadiness(_Measured):
    """How even the timings of one model were; outliers are counted and shown, never removed."""

    mild_outliers: int
    """Queries beyond Tukey's inner fences (1.5 interquartile ranges), but within the outer."""
    far_outliers: int
    """Queries beyond the outer fences (3 interquartile ranges)."""
    scatter_percent: float
    """Standard deviation of the block medians, in percent of their mean."""
    drift_percent: float
    """Change of the block medians from the first block to the last along a robust line."""
    drift_interval: tuple[float, float]
    """Its 95 % interval; without zero inside, the machine was changing."""
    block_medians_ms: tuple[float, ...] = ()


class CalibrationBin(_Measured):
    """Answers of similar confidence: a point of the reliability plot."""

    images: int
    confidence: float
    accuracy: float


class Calibration(_Measured):
    """How far a model's confidence and its accuracy are apart, in shares."""

    error: float
    """Expected calibration error over bins of equally many images."""
    floor: float
    """The error that a perfectly calibrated model would show on average on these images."""
    floor_high: float
    """19 of 20 perfectly calibrated models would show less than this."""
    confidence: float
    """Mean confidence; above the accuracy the model is too sure of itself."""
    bins: tuple[CalibrationBin, ...] = ()
    temperature: float | None = None
    """Fitted on validation images; None where there are none."""
    error_scaled: float | None = None
    """The error after dividing the logits by `temperature`."""


class Resampling(_Measured):
    """Paired bootstrap of a difference of accuracies."""

    unit: str
    """``subjects``: whole people were drawn, as pictures of one are alike; or ``images``."""
    units: int
    """How many people or images there are to draw from."""
    resamples: int
    interval: tuple[float, float]
    """95 % percentile interval of the difference."""


class SeedGroup(_Measured):
    """The same recipe from several seeds: what training luck does to it."""

    title: str
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    """In the order of `models`; the dots behind the mean."""
    mean: float
    interval: tuple[float, float]
    """95 % interval of the mean, Student t over the seeds."""
    is_enough: bool
    """Whether there are the five seeds that a ranking of methods needs."""


class Limits(_Measured):
    """What a model must keep to; None leaves a quantity free."""

    most_ms: float | None = None
    least_accuracy: float | None = None
    """A share: 0.9 is 90 %."""


NO_LIMITS = Limits()


class OpenQuestion(_Measured):
    """What keeps a point of the Pareto chart undecided, and what would settle it."""

    a: str
    b: str
    quantity: str
    """``speed`` or ``accuracy``."""
    blocks: int | None = None
    """Blocks in all that would probably decide the speed; None where measuring cannot settle it."""
    images: int | None = None
    """Test images in all that would probably decide the accuracy; None where they cannot."""
    words: str = ""


class Footprint(_Measured):
    """What a recipe changed of its parent, layer by layer summed up: what theory is made from.

    Bytes are those stored for layers, without headers; MACs are multiply-adds of one image.
    """

    changed: tuple[str, ...]
    """Layers of the parent that are stored or computed in another way now."""
    kept: tuple[str, ...]
    """Those left as they were that hold parameters, the largest first."""
    changed_bytes_before: int
    changed_bytes: int
    kept_bytes: int
    changed_macs_before: int
    changed_macs: int
    kept_macs: int
    parts: dict[str, int] = {}
    """Bytes of the changed layers now, by what they are for: values, indices, scales, float32."""
    layers_before: int = 0
    layers: int = 0
    """How many layers with multiply-adds run for one image."""
