"""What the readings of a machine say about each method.

A reading is about kernels at given sizes, ranks and shares: other settings gain more or less, and
layers that a method leaves alone, and everything around the network, take as long as before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from emostudio.core.machine_card import (
    NO_READING,
    SIZE_ONLY,
    Gain,
    MachineCard,
    Outlook,
    ProbeReading,
    RankedMethod,
)
from emostudio.statistics.blocks import MARGIN

UNDECLARED = "the method does not say what its speed depends on"


class Rankable(Protocol):
    """What ranking needs to know of a compression method."""

    key: str
    title: str
    family: str
    decided_by: str


def rank(methods: Iterable[Rankable], card: MachineCard) -> tuple[RankedMethod, ...]:
    """Return the methods, those with the fastest kernels first.

    Parameters
    ----------
    methods
        Each names the reading that decides it, or one of `core.machine_card.NO_READING`.
    card
        The readings, of this machine or of another.
    """
    ranked = [_ranked(method, card) for method in methods]
    return tuple(sorted(ranked, key=_place))


def _place(ranked: RankedMethod) -> tuple[bool, float, str]:
    gain = 0.0 if ranked.gain is None else ranked.gain.ratio
    return (ranked.gain is None, -gain, ranked.title)


def _ranked(method: Rankable, card: MachineCard) -> RankedMethod:
    decided_by = method.decided_by
    if decided_by in NO_READING or not decided_by:
        outlook: Outlook = "size only" if decided_by == SIZE_ONLY else "not measured"
        return _entry(method, outlook, NO_READING.get(decided_by, UNDECLARED))
    reading = card.reading(decided_by)
    if reading is None:
        return _entry(method, "not measured", f"the card has no reading {decided_by}")
    gain = reading.gain if reading.gain is not None and reading.gain.decides else None
    if gain is None:
        reason = f"{reading.title} was not measured: {reading.why_not or 'it has no gain'}"
        return _entry(method, "not measured", reason, reading)
    return _entry(method, _outlook(gain), _reason(reading, gain), reading, gain)


def _outlook(gain: Gain) -> Outlook:
    if gain.low > 1 + MARGIN:
        return "kernel faster"
    return "kernel slower" if gain.high < 1 / (1 + MARGIN) else "not decided"


def _reason(reading: ProbeReading, gain: Gain) -> str:
    measured = (
        f"{reading.title} ran {gain.ratio:.2f} times as fast as {gain.against} here "
        f"(95 % CI {gain.low:.2f}-{gain.high:.2f}), "
        f"measured on {reading.what}, engine {reading.engine}"
    )
    if _outlook(gain) == "kernel faster":
        return f"{measured}; other settings gain more or less, layers left alone gain nothing"
    return measured


def _entry(
    method: Rankable,
    outlook: Outlook,
    reason: str,
    reading: ProbeReading | None = None,
    gain: Gain | None = None,
) -> RankedMethod:
    return RankedMethod(
        method=method.key,
        title=method.title,
        family=method.family,
        reading="" if reading is None else reading.key,
        layers="" if reading is None else reading.layers,
        gain=gain,
        outlook=outlook,
        reason=reason,
    )
