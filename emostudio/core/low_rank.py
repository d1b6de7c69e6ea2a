"""What the engine answers about the time of decomposed layers on this machine."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RankTime(_Answer):
    """Factors of one rank, timed in the same blocks as the layer they stand for."""

    rank: int
    ms: float
    share: float
    """Time of the factors over that of the layer; above 1 they are slower."""


class LayerBreakEven(_Answer):
    """One layer against its factors, as measured on this machine."""

    layer: str
    dense_ms: float
    times: tuple[RankTime, ...]
    """By rising rank."""
    grid: int = 1
    """Ranks that are no multiple of it run on slower kernels, and lie beside the curve."""
    break_even_rank: int | None
    """Highest rank that is no slower; 0 if none is, None if all measured ones are."""
    size_limit: int
    """Rank from which the factors have no fewer weights than the layer."""
    planned_rank: int | None = None
    planned_share: float | None = None
    """Time of the planned factors over that of the layer, interpolated between ranks."""
    is_slower: bool = False
    """Whether the planned factors were measured slower than the layer."""


class LowRankOutlook(_Answer):
    """What decomposing some layers of a network can give at best, before any work.

    A ceiling holds if these layers took no time at all and all others took what they do now
    (Amdahl).
    """

    step: int = 0
    method: str
    threads: int
    layers: tuple[LayerBreakEven, ...] = ()
    not_measured: tuple[str, ...] = ()
    """Layers of the step whose time is not known on this machine."""
    macs_ceiling: float | None = None
    """Ceiling by the multiply-adds of the layers that change."""
    network_ms: float | None = None
    time_ceiling: float | None = None
    """Ceiling by the measured time of the layers that change; None unless all were measured."""
    expected_speedup: float | None = None
    """By the measured times at the planned ranks."""


class BreakEvenReport(_Answer):
    """`emostudio breakeven`."""

    model: str
    machine: str
    outlook: LowRankOutlook
    skipped: tuple[tuple[str, str], ...] = ()
    """Layers the method does not decompose, with the reason."""
