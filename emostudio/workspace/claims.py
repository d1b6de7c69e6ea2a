"""Published gains of methods, held against what was measured here; one rule for all who show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import ValidationError

from emostudio.core.answers import ClaimInfo, Ratio
from emostudio.core.measured import Footprint
from emostudio.statistics.contenders import ratio_of
from emostudio.statistics.verdicts import Verdict, claim_verdict, is_proved_faster
from emostudio.workspace.claim_reasons import size_reason, size_theory, speed_reason, speed_theory
from emostudio.workspace.records import BenchRecord, ModelRecord

FOOTPRINT_KEY = "footprint"
"""Key under which `ModelInfo.measurements` keeps a `core.measured.Footprint`."""


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
    interval
        95 % interval of a measured speed; None for sizes, which are exact.
    theory
        What this network would gain if the layers that the method changed gained what was
        published and the others nothing; None where that is not known.
    reason
        Why the verdict is what it is, computed from the layers.
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
    interval: tuple[float, float] | None = None
    theory: float | None = None
    reason: str = ""


def speed_claims(methods: Iterable[Claiming]) -> frozenset[str]:
    """Return the keys of the methods for which a speed-up was published."""
    return frozenset(method.key for method in methods if method.claim and method.claim.faster)


def check_claims(
    records: Sequence[ModelRecord], baseline: str, methods: Mapping[str, Claiming], engine: str = ""
) -> list[ClaimCheck]:
    """Hold published gains against ours, where the gain over a parent is one method's alone.

    Parameters
    ----------
    engine
        Whose times count where a model was timed on several, as in the comparison beside this.
    """
    by_name = {record.name: record for record in records}
    found: list[ClaimCheck] = []
    for record in records:
        parent = by_name.get(record.parent or baseline)
        steps = record.info.recipe.steps
        if parent is None or parent is record or len(steps) != 1:
            continue
        method = methods.get(steps[0].method)
        if method is not None and method.claim is not None:
            benches = sorted(record.benches, key=lambda bench: bench.result.engine != engine)
            ordered = record.model_copy(update={"benches": tuple(benches)})
            found += _checks(method.title, method.claim, ordered, parent)
    return found


def speed_between(name: str, other: str, bench: BenchRecord | None) -> Ratio | None:
    """Return how much faster `name` is than `other`; None if not measured.

    Parameters
    ----------
    bench
        Record of one of the two; its engine is the one that counts, see `contenders.ratio_of`.
    """
    return None if bench is None else ratio_of(bench.ratios, name, other, bench.result.engine)


def footprint_of(record: ModelRecord) -> Footprint | None:
    """Return what was noted about the layers a variant changed, None for older or foreign ones."""
    try:
        return Footprint.model_validate(record.info.measurements[FOOTPRINT_KEY])
    except (KeyError, ValidationError):
        return None


def _checks(
    title: str, claim: ClaimInfo, record: ModelRecord, parent: ModelRecord
) -> list[ClaimCheck]:
    base = ClaimCheck(
        method=title,
        model=record.name,
        against=parent.name,
        quantity="",
        published=0.0,
        published_baseline=claim.baseline,
        source=claim.source,
        here=None,
        verdict=Verdict.NOT_DECIDED,
    )
    speed = _measured_speed(record, parent)
    found = []
    if claim.smaller:
        found.append(_size_check(base, claim.smaller, record, parent, speed))
    if claim.faster:
        found.append(_speed_check(base, claim.faster, record, speed))
    return found


def _measured_speed(record: ModelRecord, parent: ModelRecord) -> Ratio | None:
    speeds = (speed_between(record.name, parent.name, bench) for bench in record.benches)
    return next((ratio for ratio in speeds if ratio is not None), None)


def _size_check(
    base: ClaimCheck,
    published: float,
    record: ModelRecord,
    parent: ModelRecord,
    speed: Ratio | None,
) -> ClaimCheck:
    here = parent.disk_bytes / record.disk_bytes if record.disk_bytes else None
    found = footprint_of(record)
    verdict = claim_verdict(published, here, here, here) if here else Verdict.NOT_DECIDED
    reason = size_reason(published, here, record.disk_bytes, found) if here else ""
    if verdict is Verdict.PROVED and speed is not None and not is_proved_faster(speed):
        verdict, reason = Verdict.SIZE_ONLY, f"{reason}, but not faster: {speed.verdict}"
    return replace(
        base,
        quantity="smaller",
        published=published,
        here=here,
        verdict=verdict,
        theory=size_theory(published, found),
        reason=reason,
    )


def _speed_check(
    base: ClaimCheck, published: float, record: ModelRecord, speed: Ratio | None
) -> ClaimCheck:
    found = footprint_of(record)
    kernels = record.benches[0].result.kernels if speed is None and record.benches else ""
    verdict = Verdict.SIMULATED if kernels == "simulated" else Verdict.NOT_DECIDED
    if speed is not None:
        verdict = claim_verdict(published, speed.ratio, *speed.interval)
    here = speed.ratio if speed is not None else None
    return replace(
        base,
        quantity="faster",
        published=published,
        here=here,
        verdict=verdict,
        interval=speed.interval if speed is not None else None,
        theory=speed_theory(published, found),
        reason=speed_reason(published, here, kernels, found),
    )
