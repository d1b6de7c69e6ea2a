"""How rows of a comparison are judged: verdicts, corrected p-values, limits, Pareto standing."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from emostudio.core.answers import PairedResult, Ratio
from emostudio.core.measured import Limits, OpenQuestion
from emostudio.statistics.paired import with_holm
from emostudio.statistics.verdicts import Verdict, is_proved_slower, variant_verdict
from emostudio.workspace.claims import speed_between
from emostudio.workspace.records import BenchRecord, EvaluationRecord, ModelRecord
from emostudio.workspace.standing import Candidate, place

SLOWER = "smaller, but proved slower"


class Judge:
    """Gives every model its verdict: against its parent, or the baseline where that is not known.

    Parameters
    ----------
    ordered
        Compared models, the baseline first.
    benches
        Bench of each, by name.
    speed_claims
        Keys of the methods for which a speed-up was published.
    """

    def __init__(
        self,
        ordered: Sequence[ModelRecord],
        benches: Mapping[str, BenchRecord | None],
        speed_claims: Collection[str],
    ) -> None:
        self._models = {model.name: model for model in ordered}
        self._first = ordered[0]
        self._benches = benches
        self._speed_claims = speed_claims

    def judgement(self, name: str, speed: Ratio | None) -> dict[str, str]:
        """Return the verdict, the model it is against, and words where it leaves something out.

        Parameters
        ----------
        name
            Of the model.
        speed
            Against the baseline.
        """
        model = self._models[name]
        if model is self._first:
            return {"verdict": Verdict.BASELINE.value}
        bench = self._benches[name]
        against = model.parent or ""
        own = speed_between(name, against, bench)
        if own is None and against not in self._models:
            against, own = self._first.name, speed
        other = self._models.get(against, self._first)
        verdict = variant_verdict(
            speed=own,
            size_ratio=other.disk_bytes / max(model.disk_bytes, 1),
            kernels=bench.result.kernels if bench is not None else "real",
            claims_speed=any(s.method in self._speed_claims for s in model.info.recipe.steps),
        )
        is_slower = verdict is Verdict.SIZE_ONLY and is_proved_slower(own)
        reason = SLOWER if is_slower else ""
        return {"verdict": verdict.value, "judged_against": against, "verdict_reason": reason}


def corrected(pairs: Sequence[PairedResult | None]) -> list[PairedResult | None]:
    """Correct the p-values for as many comparisons as are shown."""
    found = {pair.b: pair for pair in with_holm([pair for pair in pairs if pair])}
    return [found[pair.b] if pair else None for pair in pairs]


def within(
    latency_ms: tuple[float, float] | None, accuracy: tuple[float, float] | None, limits: Limits
) -> str:
    """Say whether intervals keep to the limits: ``yes``, ``no`` or ``undecided``.

    Empty where nothing is limited.
    """
    checks = []
    if limits.most_ms is not None:
        low, high = latency_ms or (0.0, math.inf)
        checks.append("yes" if high <= limits.most_ms else "no" if low > limits.most_ms else "")
    if limits.least_accuracy is not None:
        low, high = accuracy or (0.0, 1.0)
        least = limits.least_accuracy
        checks.append("yes" if low >= least else "no" if high < least else "")
    if not checks:
        return ""
    return "no" if "no" in checks else "yes" if set(checks) == {"yes"} else "undecided"


def standings_of(
    evaluations: Mapping[str, EvaluationRecord | None], benches: Mapping[str, BenchRecord | None]
) -> tuple[dict[str, str], tuple[OpenQuestion, ...]]:
    """Place the models that have accuracy and time on the Pareto chart.

    Returns
    -------
    tuple
        Standing of each such model by name, and what would settle what is open.
    """
    candidates = []
    for name, evaluation in evaluations.items():
        bench = benches[name]
        if evaluation and bench and bench.result.latency_ms is not None:
            candidates.append(Candidate(name, evaluation, bench))
    placed = place(candidates)
    names = [candidate.name for candidate in candidates]
    found = zip(names, placed.standings, strict=True)
    return {name: standing.value for name, standing in found}, placed.questions
