"""What a network of Table 2 gained over the one it was made from, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.core.answers import BenchResult, Ratio
from emostudio.core.machine_words import machine_words
from emostudio.paper.base import Findings
from emostudio.paper.measuring import exact
from emostudio.paper.networks import NETWORKS, VGG, seeds, trained
from emostudio.paper.parts import PartResult
from emostudio.paper.results import Measured
from emostudio.statistics.verdicts import Verdict, claim_verdict, inverse, variant_verdict

BENCH = "bench"
"""Key of the part that times all networks of the first seed against each other."""

_CLAIMS_SPEED = frozenset({"cp", "xnor", "xnor_released"})
"""Networks made by a method for which Table 1 lists a speed-up; SqueezeNet is a baseline."""


@dataclass(frozen=True)
class Gain:
    """Factors over the parent: of the file's size, and of time at batch 1."""

    smaller: Measured | None = None
    faster: Measured | None = None
    models: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether anything was measured."""
        return self.smaller is not None or self.faster is not None

    def claim_verdict(self, smaller: float | None, faster: float | None) -> str:
        """Judge a published pair of factors; the harder one decides, nothing measured says so."""
        verdicts = [
            claim_verdict(published, ours.value, ours.low, ours.high)
            for published, ours in ((smaller, self.smaller), (faster, self.faster))
            if published is not None and ours is not None
        ]
        for verdict in (Verdict.REFUTED, Verdict.NOT_DECIDED, Verdict.PROVED):
            if verdict in verdicts:
                return verdict
        return ""


def parent_of(network: str) -> str:
    """Return the network that `network` is judged against."""
    return NETWORKS[network].parent or VGG


def gain_of(network: str, findings: Findings) -> Gain:
    """Return what is known of a network's gain over its parent."""
    own = trained(network, findings.settings, findings.results)
    parents = trained(parent_of(network), findings.settings, findings.results)
    if not own or not parents or own[0] is parents[0]:
        return Gain()
    smaller = None
    if own[0].disk_bytes and parents[0].disk_bytes:
        smaller = exact(parents[0].disk_bytes / own[0].disk_bytes, own[0])
    bench = findings.results.get(BENCH)
    ratio = ratio_between(own[0].model, parents[0].model, bench)
    faster = None
    if ratio is not None and bench is not None:
        faster = _as_measured(ratio, own[0].model, bench)
    models = (own[0].model, parents[0].model)
    return Gain(smaller, faster, models, seeds(findings.settings)[:1])


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
        return verdict, f"Against {title}: no real kernel, so no time"
    low, high = ratio.interval
    return verdict, f"Against {title}: {ratio.ratio:.2f}× as fast (95 % {low:.2f}–{high:.2f})"


def bench_result(model: str, bench: PartResult) -> BenchResult | None:
    """Return what a benchmark says of one model."""
    return next((result for result in bench.bench if result.model == model), None)


def ratio_between(model: str, other: str, bench: PartResult | None) -> Ratio | None:
    """Return how much faster `model` is than `other`; None where either was not timed."""
    for ratio in bench.ratios if bench is not None else ():
        a, b = ratio.a.partition("@")[0], ratio.b.partition("@")[0]
        if (a, b) == (model, other):
            return ratio
        if (a, b) == (other, model):
            return inverse(ratio, ratio.verdict)
    return None


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
