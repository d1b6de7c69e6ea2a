"""What a network of Table 2 gained over the one it was made from, and the verdict on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from emostudio.core.answers import BenchResult, Ratio
from emostudio.core.machine_words import machine_words
from emostudio.paper.base import Findings
from emostudio.paper.measuring import exact
from emostudio.paper.networks import NETWORKS, VGG, seeds, trained
from emostudio.paper.parts import PartResult
from emostudio.paper.results import Measured
from emostudio.statistics.contenders import ratio_of
from emostudio.statistics.verdicts import Verdict, claim_verdict, variant_verdict

BENCH = "bench"
"""Key of the part that times all networks of the first seed against each other."""

_CLAIMS_SPEED = frozenset({"cp", "xnor", "xnor_released"})
"""Networks made by a method for which Table 1 lists a speed-up; SqueezeNet is a baseline."""


_LEAST_SHARE = 0.01
"""A process that varies more than that has no upper bound worth showing."""


@dataclass(frozen=True)
class Gain:
    """Factors over the parent: of memory in use, of the file's size, and of time at batch 1.

    The two sizes are never taken for each other: a process holds more than a file.
    """

    memory: Measured | None = None
    file: Measured | None = None
    faster: Measured | None = None
    models: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether anything was measured."""
        return any(ours is not None for ours in (self.memory, self.file, self.faster))

    def verdicts(
        self, memory: float | None, file: float | None, faster: float | None
    ) -> dict[str, Verdict]:
        """Judge published factors, each by what was measured of the same kind.

        What was not measured is not decided. Nothing measured at all gives no verdict.
        """
        if not self.is_known:
            return {}
        pairs = {
            "Memory": (memory, self.memory),
            "File": (file, self.file),
            "Time": (faster, self.faster),
        }
        return {
            kind: Verdict.NOT_DECIDED
            if ours is None
            else claim_verdict(published, ours.value, ours.low, ours.high)
            for kind, (published, ours) in pairs.items()
            if published is not None
        }


def hardest(verdicts: Collection[Verdict]) -> str:
    """Return the verdict on a claim of several factors: the harder one decides."""
    order = (Verdict.REFUTED, Verdict.NOT_DECIDED, Verdict.PROVED)
    return next((verdict for verdict in order if verdict in verdicts), "")


def parent_of(network: str) -> str:
    """Return the network that `network` is judged against."""
    return NETWORKS[network].parent or VGG


def gain_of(network: str, findings: Findings) -> Gain:
    """Return what is known of a network's gain over its parent."""
    own = trained(network, findings.settings, findings.results)
    parents = trained(parent_of(network), findings.settings, findings.results)
    if not own or not parents or own[0] is parents[0]:
        return Gain()
    file = None
    if own[0].disk_bytes and parents[0].disk_bytes:
        file = exact(parents[0].disk_bytes / own[0].disk_bytes, own[0])
    bench = findings.results.get(BENCH)
    memory = _memory_gain(own[0].model, parents[0].model, bench)
    ratio = ratio_between(own[0].model, parents[0].model, bench)
    faster = None
    if ratio is not None and bench is not None:
        faster = _as_measured(ratio, own[0].model, bench)
    models = (own[0].model, parents[0].model)
    return Gain(memory, file, faster, models, seeds(findings.settings)[:1])


def verdict_of(network: str, findings: Findings) -> tuple[str, str]:
    """Return the verdict on a network of Table 2 and why, nothing before it was timed."""
    if not NETWORKS[network].parent:
        return Verdict.BASELINE, "Others are judged against it"
    own = trained(network, findings.settings, findings.results)
    parents = trained(NETWORKS[network].parent, findings.settings, findings.results)
    bench = findings.results.get(BENCH)
    if not own or not parents or bench is None:
        return "", ""
    timed = bench_result(own[0].model, bench)
    if timed is None:
        return "", ""
    ratio = ratio_between(own[0].model, parents[0].model, bench)
    verdict = variant_verdict(
        speed=ratio,
        size_ratio=(parents[0].disk_bytes or 0) / max(own[0].disk_bytes or 1, 1),
        kernels=timed.kernels,
        claims_speed=network in _CLAIMS_SPEED,
    )
    title = NETWORKS[NETWORKS[network].parent].title
    if ratio is None:
        why = (
            "no real kernel, so no time"
            if timed.kernels == "simulated"
            else "not timed beside it, so nothing is said of speed"
        )
        return verdict, f"Against {title}: {why}"
    low, high = ratio.interval
    return verdict, f"Against {title}: {ratio.ratio:.2f}× as fast (95 % {low:.2f}–{high:.2f})"


def bench_result(model: str, bench: PartResult) -> BenchResult | None:
    """Return what a benchmark says of one model."""
    return next((result for result in bench.bench if result.model == model), None)


def ratio_between(model: str, other: str, bench: PartResult | None) -> Ratio | None:
    """Return how much faster `model` is than `other`; None where either was not timed."""
    timed = bench_result(model, bench) if bench is not None else None
    if bench is None or timed is None:
        return None
    return ratio_of(bench.ratios, model, other, timed.engine)


def _memory_gain(model: str, parent: str, bench: PartResult | None) -> Measured | None:
    """Return how much less memory `model` held than `parent`; None where it was not measured."""
    own = bench_result(model, bench) if bench is not None else None
    other = bench_result(parent, bench) if bench is not None else None
    if bench is None or own is None or other is None:
        return None
    if "simulated" in {own.kernels, other.kernels}:  # arithmetic that nobody would deploy
        return None
    if not own.resident_bytes or not other.resident_bytes:
        return None
    value = other.resident_bytes / own.resident_bytes
    own_spread, other_spread = own.resident_spread or 0.0, other.resident_spread or 0.0
    return Measured(
        value=value,
        low=value * (1 - other_spread) / (1 + own_spread),
        high=value * (1 + other_spread) / max(1 - own_spread, _LEAST_SHARE),
        basis="range over fresh processes, interpreter and engine included",
        engine=own.engine if own.engine == other.engine else f"{own.engine} over {other.engine}",
        machine=machine_words(bench.machine),
    )


def _as_measured(ratio: Ratio, model: str, bench: PartResult) -> Measured:
    timed = bench_result(model, bench)
    return Measured(
        value=ratio.ratio,
        low=ratio.interval[0],
        high=ratio.interval[1],
        basis="95 %, Student t over interleaved blocks",
        engine=timed.engine if timed is not None else "",
        machine=machine_words(bench.machine),
    )
