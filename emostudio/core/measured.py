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
