"""From finished parts to numbers with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from emostudio.core.answers import EvaluationResult
from emostudio.core.machine_words import machine_words
from emostudio.paper.parts import PartResult, StepTime
from emostudio.paper.results import EXACT, NO_INTERVAL, Measured
from emostudio.statistics.contenders import contender_names
from emostudio.statistics.intervals import t_interval, wilson

MIB = 2**20
_TRAINING = "training in PyTorch"
_COUNT = "counted, not timed"


def exact(value: float, result: PartResult) -> Measured:
    """Return a count: nothing is uncertain about it."""
    where = machine_words(result.machine, result.device)
    return Measured(value=value, low=value, high=value, basis=EXACT, engine=_COUNT, machine=where)


def share(hits: float, images: int, result: PartResult, engine: str = _TRAINING) -> Measured:
    """Return a share in percent with its Wilson interval.

    Parameters
    ----------
    hits
        The share itself, in [0, 1].
    images
        Pictures it was counted over.
    """
    count = max(images, 0)
    low, high = wilson(min(count, max(0, round(hits * count))), count)
    return Measured(
        value=100 * hits,
        low=100 * min(low, hits),
        high=100 * max(high, hits),
        basis=f"95 %, Wilson, {count:,} pictures",
        engine=engine,
        machine=machine_words(result.machine, result.device),
    )


def least(shares: Sequence[float], result: PartResult) -> Measured:
    """Return the least of one share over epochs in percent, without an interval.

    It was found by looking at them all: Wilson's interval around it would cover the share of that
    epoch far too seldom.

    Parameters
    ----------
    shares
        At least one.
    """
    basis = f"{NO_INTERVAL}: the least of {len(shares)} epochs"
    found = exact(100 * min(shares), result)
    return found.model_copy(update={"basis": basis, "engine": _TRAINING})


def over_seeds(values: Sequence[Measured]) -> Measured | None:
    """Return one share in percent of several trainings: their mean with Student's t.

    The interval is cut to what a share can be. A single training keeps its own; None without any.
    """
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    mean, low, high = t_interval([value.value for value in values])
    return values[-1].model_copy(
        update={
            "value": mean,
            "low": max(low, 0.0),
            "high": min(high, 100.0),
            "basis": f"95 %, Student t over {len(values)} seeds",
        }
    )


def accuracy(results: Sequence[PartResult]) -> Measured | None:
    """Return the accuracy on the test pictures in percent, over the seeds given."""
    found = [
        share(result.evaluation.accuracy, result.evaluation.samples, result,
              result.evaluation.engine or "torch")
        for result in results
        if result.evaluation is not None
    ]  # fmt: skip
    return over_seeds(found)


def evaluated(evaluation: EvaluationResult, result: PartResult) -> Measured:
    """Return one evaluation's accuracy in percent."""
    return share(evaluation.accuracy, evaluation.samples, result, evaluation.engine or "torch")


def training_accuracy(results: Sequence[PartResult]) -> Measured | None:
    """Return the accuracy on the pictures trained on, in percent: the mean over the last epoch."""
    found = [
        share(1 - result.train_error[-1], result.train_images, result)
        for result in results
        if result.train_error
    ]
    return over_seeds(found)


def agreement(results: Sequence[PartResult]) -> Measured | None:
    """Return on how many held-out pictures students answer as their teacher, in percent."""
    found = [
        share(result.agreement, result.held_out_images, result)
        for result in results
        if result.agreement is not None
    ]
    return over_seeds(found)


def step_time(result: PartResult | None) -> Measured | None:
    """Return the time of a training step per picture in it, in milliseconds."""
    if result is None or result.step is None or not result.batch_size:
        return None
    step, size = result.step, result.batch_size
    return Measured(
        value=step.median_ms / size,
        low=step.low_ms / size,
        high=step.high_ms / size,
        basis=_step_basis(step, size),
        engine=_TRAINING,
        machine=machine_words(result.machine, result.device),
    )


def _step_basis(step: StepTime, size: int) -> str:
    words = f"{step.steps:,} steps of {size} pictures"
    if not step.blocks:
        return f"95 % of the median, as if independent, {words}"
    last = f", the last of {step.trainings} trainings" if step.trainings > 1 else ""
    return f"95 %, Student t over {step.blocks} medians of blocks, {words}{last}"


def latency(bench: PartResult | None, model: str) -> Measured | None:
    """Return a model's median latency at batch 1 in milliseconds, over the benchmark's blocks.

    None where no real kernel ran.
    """
    if bench is None:
        return None
    names = contender_names([(entry.model, entry.engine) for entry in bench.bench])
    found = zip(names, bench.bench, strict=True)
    name, result = next(((name, one) for name, one in found if one.model == model), ("", None))
    medians = bench.block_medians_ms.get(name, ())
    if result is None or result.latency_ms is None or len(medians) < 2:
        return None
    mean, low, high = t_interval([math.log(value) for value in medians])
    return Measured(
        value=math.exp(mean),
        low=math.exp(low),
        high=math.exp(high),
        basis=f"95 %, Student t over {len(medians)} blocks of medians, batch 1",
        engine=f"{result.engine}, {_threads(result.threads)}",
        machine=machine_words(bench.machine),
    )


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
