"""The rows of a comparison, from what was measured; page, table and report show them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from emostudio.core.answers import BenchResult, EvaluationResult, Latency, PairedResult, Ratio
from emostudio.core.measured import NO_LIMITS, Limits, OpenQuestion, SeedGroup
from emostudio.statistics.classification import macro_f1_interval
from emostudio.statistics.verdicts import is_proved_faster
from emostudio.workspace.claims import speed_between
from emostudio.workspace.comparison_judging import Judge, corrected, standings_of, within
from emostudio.workspace.comparison_records import (
    Pictures,
    baseline_of,
    benches_on,
    evaluation_on,
    on_other_pictures,
    shared_engine,
    shared_pictures,
)
from emostudio.workspace.records import BenchRecord, EvaluationRecord, ModelRecord
from emostudio.workspace.seeds import seed_groups
from emostudio.workspace.standing import median_interval

STEP_MS_KEY = "training_step_ms"
"""Key under which `ModelInfo.measurements` keeps the median time of a training step."""
TRAINING_PEAK_KEY = "training_peak_bytes"
"""Key of the highest memory of the process that trained the model."""
NOT_TOGETHER = "not judged together, no interval"
"""Said beside the difference of two accuracies that are not from one evaluation."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ComparisonRow(_Frozen):
    """One model beside the baseline; None where something was not measured.

    Changes and ratios are against the baseline: `accuracy_change` in shares (0.01 is one point),
    `size_ratio` above 1 is smaller, `speed.ratio` above 1 is faster. The verdict is against
    `judged_against`, the model it was made from where that is known.
    """

    model: str
    role: Literal["teacher", "variant"]
    slot: int
    recipe: str
    architecture: str
    is_baseline: bool
    accuracy: float | None = None
    accuracy_interval: tuple[float, float] | None = None
    accuracy_change: float | None = None
    paired: PairedResult | None = None
    macro_f1: float | None = None
    macro_f1_interval: tuple[float, float] | None = None
    balanced_accuracy: float | None = None
    samples: int = 0
    disk_bytes: int
    size_ratio: float | None = None
    parameters: int | None = None
    macs: int | None = None
    resident_bytes: int | None = None
    peak_bytes: int | None = None
    training_peak_bytes: int | None = None
    latency_ms: Latency | None = None
    speed: Ratio | None = None
    kernels: str = ""
    engine: str = ""
    threads: int | None = None
    training_step_ms: float | None = None
    faster_than: tuple[str, ...] = ()
    """Models of the comparison that it was proved faster than, timed together."""
    verdict: str = ""
    judged_against: str = ""
    verdict_reason: str = ""
    """What the one word leaves unsaid; empty where it says all."""
    standing: str = ""
    """``frontier``, ``dominated`` or ``undecided`` on the Pareto chart, by what is proved; empty
    where accuracy or time is missing."""
    latency_interval: tuple[float, float] | None = None
    """95 % interval of the median latency over blocks, ms."""
    meets_limits: str = ""
    """``yes``, ``no`` or ``undecided``: whether the intervals lie within the limits."""
    evaluation: EvaluationResult | None = None
    bench: BenchResult | None = None


class Comparison(_Frozen):
    """Rows, baseline first, and what they have in common."""

    rows: tuple[ComparisonRow, ...]
    baseline: str = ""
    dataset: str = ""
    split: str = ""
    engine: str = ""
    machine: dict[str, Any] = {}
    measured: tuple[datetime, datetime] | None = None
    """When the oldest and the newest of the times shown were taken."""
    notes: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    """Why the figures must not be published, each once; empty if they may."""
    seed_groups: tuple[SeedGroup, ...] = ()
    """Variants that differ in their seed only."""
    questions: tuple[OpenQuestion, ...] = ()
    """What keeps points of the Pareto chart undecided, and what would settle it."""
    limits: Limits = NO_LIMITS

    @property
    def judged_apart(self) -> frozenset[str]:
        """Models whose verdict is against another one than the baseline."""
        usual = ("", self.baseline)
        return frozenset(row.model for row in self.rows if row.judged_against not in usual)


def compare(
    models: Sequence[ModelRecord],
    *,
    baseline: str | None = None,
    dataset: str | None = None,
    split: str | None = None,
    engine: str | None = None,
    speed_claims: Collection[str] = (),
    limits: Limits = NO_LIMITS,
) -> Comparison:
    """Put models side by side.

    Parameters
    ----------
    models
        What to compare.
    baseline
        Name of the model the others are held against; None takes the first teacher, else the
        first model.
    dataset, split, engine
        Which measurements to show; None takes those that most of the models share, and of a model
        without any on that engine those it has.
    speed_claims
        Keys of the methods for which a speed-up was published, see `claims.speed_claims`: their
        variants are refuted where they are not faster, however small they are.
    limits
        What the models must keep to.
    """
    if not models:
        return Comparison(rows=())
    first = baseline_of(models, baseline)
    ordered = [first, *(model for model in models if model.name != first.name)]
    pictures = shared_pictures(ordered, dataset, split)
    chosen_engine = engine or shared_engine(ordered)
    evaluations = {m.name: evaluation_on(m, pictures) for m in ordered}
    benches = benches_on(ordered, chosen_engine, is_asked=engine is not None)
    reference = evaluations[first.name]
    found = [_row(m, first, evaluations[m.name], reference, benches) for m in ordered]
    rows = _judged(found, Judge(ordered, benches, speed_claims), limits)
    standings, questions = standings_of(evaluations, benches)
    return Comparison(
        rows=tuple(
            row.model_copy(update={"standing": standings.get(row.model, "")}) for row in rows
        ),
        questions=questions,
        limits=limits,
        baseline=first.name,
        dataset=pictures[0],
        split=pictures[1],
        engine=chosen_engine,
        notes=(*_notes(ordered, evaluations, benches, pictures), *_reasons(rows)),
        seed_groups=seed_groups(ordered, {row.model: row.accuracy for row in rows}),
        **_circumstances([bench for bench in benches.values() if bench is not None]),
    )


def _circumstances(benches: Sequence[BenchRecord]) -> dict[str, Any]:
    """Return where and when the times shown were taken, and why not to publish them."""
    moments = [bench.measured for bench in benches]
    return {
        "machine": benches[0].machine if benches else {},
        "measured": (min(moments), max(moments)) if moments else None,
        "blockers": tuple(dict.fromkeys(word for bench in benches for word in bench.blockers)),
    }


def _judged(rows: Sequence[ComparisonRow], judge: Judge, limits: Limits) -> list[ComparisonRow]:
    pairs = corrected([row.paired for row in rows])
    judged = []
    for row, paired in zip(rows, pairs, strict=True):
        update = {
            **judge.judgement(row.model, row.speed),
            "paired": paired,
            "meets_limits": within(row.latency_interval, row.accuracy_interval, limits),
        }
        judged.append(row.model_copy(update=update))
    return judged


def _row(
    model: ModelRecord,
    first: ModelRecord,
    evaluation: EvaluationRecord | None,
    reference: EvaluationRecord | None,
    benches: dict[str, BenchRecord | None],
) -> ComparisonRow:
    bench = benches[model.name]
    is_baseline = model.name == first.name
    speed = None if is_baseline else speed_between(model.name, first.name, bench)
    slower = (
        name for name in benches
        if name != model.name and is_proved_faster(speed_between(model.name, name, bench))
    )  # fmt: skip
    fields: dict[str, Any] = {
        "model": model.name,
        "role": model.role,
        "slot": model.slot,
        "recipe": model.info.recipe.title if model.info.recipe.steps else "",
        "architecture": model.info.architecture,
        "is_baseline": is_baseline,
        "disk_bytes": model.disk_bytes,
        "size_ratio": first.disk_bytes / model.disk_bytes if model.disk_bytes else None,
        "parameters": model.parameters,
        "macs": model.macs,
        "speed": speed,
        "faster_than": tuple(slower),
        "training_step_ms": model.info.measurements.get(STEP_MS_KEY),
        "training_peak_bytes": model.info.measurements.get(TRAINING_PEAK_KEY),
    }
    return ComparisonRow(
        **fields, **_accuracy_fields(evaluation, reference), **_bench_fields(bench)
    )


def _accuracy_fields(
    evaluation: EvaluationRecord | None, reference: EvaluationRecord | None
) -> dict[str, Any]:
    if evaluation is None:
        return {}
    result = evaluation.result
    base = reference.result if reference is not None else None
    paired = next((p for p in evaluation.paired if base is not None and p.a == base.model), None)
    return {
        "accuracy": result.accuracy,
        "accuracy_interval": result.accuracy_interval,
        "accuracy_change": result.accuracy - base.accuracy if base is not None else None,
        "paired": paired,
        "macro_f1": result.macro_f1,
        "macro_f1_interval": result.macro_f1_interval
        or macro_f1_interval(np.array(result.confusion)),  # older records have the counts only
        "balanced_accuracy": result.balanced_accuracy,
        "samples": result.samples,
        "evaluation": result,
    }


def _bench_fields(bench: BenchRecord | None) -> dict[str, Any]:
    if bench is None:
        return {}
    result = bench.result
    return {
        "resident_bytes": result.resident_bytes,
        "peak_bytes": result.peak_bytes,
        "latency_ms": result.latency_ms,
        "latency_interval": median_interval(result),
        "kernels": result.kernels,
        "engine": result.engine,
        "threads": result.threads,
        "bench": result,
    }


def _notes(
    models: Sequence[ModelRecord],
    evaluations: dict[str, EvaluationRecord | None],
    benches: dict[str, BenchRecord | None],
    pictures: Pictures,
) -> tuple[str, ...]:
    notes = []
    unevaluated = [m.name for m in models if evaluations[m.name] is None]
    if unevaluated:
        notes.append(f"Not evaluated on these images: {', '.join(unevaluated)}")
    unmeasured = [m.name for m in models if benches[m.name] is None]
    if unmeasured:
        notes.append(f"Speed not measured: {', '.join(unmeasured)}")
    if len({b.bench for b in benches.values() if b is not None}) > 1:
        notes.append("Not all models were timed together; measure again for ratios between them")
    return (*notes, *on_other_pictures(models, evaluations, pictures))


def _reasons(rows: Sequence[ComparisonRow]) -> list[str]:
    return [f"{row.model} is {row.verdict_reason}" for row in rows if row.verdict_reason]
