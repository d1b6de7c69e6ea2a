"""Published gains of methods, held against what was measured here; one rule for all who show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from emostudio.core.answers import ClaimInfo, Ratio
from emostudio.statistics.verdicts import Verdict, claim_verdict, inverse
from emostudio.workspace.records import BenchRecord, ModelRecord

Gain = tuple[float, float, float]
"""Gain with the ends of its interval."""


class Claiming(Protocol):
    """A method or its entry in a catalogue."""

    @property
    def key(self) -> str:
        """Name in recipes."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def claim(self) -> ClaimInfo | None:
        """What was published."""


@dataclass(frozen=True)
class ClaimCheck:
    """One published gain of a method beside what its variant gained here.

    Attributes
    ----------
    quantity
        ``smaller`` or ``faster``.
    published, here
        Factors above 1; `here` is None where nothing was measured.
    """

    method: str
    model: str
    against: str
    quantity: str
    published: float
    published_baseline: str
    source: str
    here: float | None
    verdict: Verdict


def speed_claims(methods: Iterable[Claiming]) -> frozenset[str]:
    """Return the keys of the methods for which a speed-up was published."""
    return frozenset(method.key for method in methods if method.claim and method.claim.faster)


def check_claims(
    records: Sequence[ModelRecord], baseline: str, methods: Mapping[str, Claiming]
) -> list[ClaimCheck]:
    """Hold published gains against ours, where the gain over a parent is one method's alone."""
    by_name = {record.name: record for record in records}
    found: list[ClaimCheck] = []
    for record in records:
        parent = by_name.get(record.parent or baseline)
        steps = record.info.recipe.steps
        if parent is None or parent is record or len(steps) != 1:
            continue
        method = methods.get(steps[0].method)
        if method is not None and method.claim is not None:
            found += _checks(method.title, method.claim, record, parent)
    return found


def speed_between(name: str, other: str, bench: BenchRecord | None) -> Ratio | None:
    """Return the ratio with `name` as `a`, above 1 if it is the faster; None if not measured."""
    if bench is None:
        return None
    for ratio in bench.ratios:
        a, b = ratio.a.partition("@")[0], ratio.b.partition("@")[0]
        if (a, b) == (name, other):
            return ratio
        if (a, b) == (other, name):
            return inverse(ratio, ratio.verdict)
    return None


def _checks(
    title: str, claim: ClaimInfo, record: ModelRecord, parent: ModelRecord
) -> list[ClaimCheck]:
    smaller = parent.disk_bytes / record.disk_bytes if record.disk_bytes else None
    speeds = (speed_between(record.name, parent.name, bench) for bench in record.benches)
    speed = next((ratio for ratio in speeds if ratio is not None), None)
    gains: dict[str, tuple[float | None, Gain | None]] = {
        "smaller": (claim.smaller, (smaller,) * 3 if smaller else None),
        "faster": (claim.faster, (speed.ratio, *speed.interval) if speed else None),
    }
    return [
        ClaimCheck(
            method=title,
            model=record.name,
            against=parent.name,
            quantity=quantity,
            published=published,
            published_baseline=claim.baseline,
            source=claim.source,
            here=here[0] if here else None,
            verdict=claim_verdict(published, *here) if here else Verdict.NOT_DECIDED,
        )
        for quantity, (published, here) in gains.items()
        if published
    ]
