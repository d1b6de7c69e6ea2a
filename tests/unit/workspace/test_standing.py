"""Points of the Pareto chart over many simulated charts."""

from datetime import UTC, datetime

import numpy as np
import pytest

from emostudio.core.answers import BenchResult, EvaluationResult, Latency, PairedResult
from emostudio.core.measured import OpenQuestion
from emostudio.statistics.blocks import block_ratio
from emostudio.statistics.intervals import wilson
from emostudio.statistics.paired import discordant, mcnemar_exact, paired_difference
from emostudio.statistics.steadiness import steadiness
from emostudio.workspace.records import BenchRecord, EvaluationRecord
from emostudio.workspace.standing import Candidate, place, settling_blocks

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMAGES = 800


def _candidates(times, correct):
    """Pair everything with everything, as one bench and one evaluation do."""
    names = list(times)
    ratios = tuple(
        block_ratio(a, b, times[a], times[b])
        for place_, b in enumerate(names)
        for a in names[place_ + 1 :]
    )
    return [
        Candidate(name, _evaluation(name, names, correct), _bench(name, times, ratios))
        for name in names
    ]


def _evaluation(name, names, correct):
    hits = int(correct[name].sum())
    result = EvaluationResult(
        model=name, samples=IMAGES, accuracy=hits / IMAGES,
        accuracy_interval=wilson(hits, IMAGES), macro_f1=0.5, balanced_accuracy=0.5,
        confusion=((1,),), labels=("anger",),
    )  # fmt: skip
    pairs = []
    for other in names:
        if other != name:
            difference, low, high = paired_difference(correct[other], correct[name])
            pairs.append(
                PairedResult(
                    a=other,
                    b=name,
                    difference=difference,
                    interval=(low, high),
                    agreement=0.9,
                    p_value=mcnemar_exact(*discordant(correct[other], correct[name])),
                )
            )
    return EvaluationRecord(
        dataset="d", split="test", measured=NOW, result=result, paired=tuple(pairs)
    )


def _bench(name, times, ratios):
    result = BenchResult(
        model=name, engine="onnxruntime", threads=1, kernels="real",
        latency_ms=Latency(p50=float(np.median(times[name]))), disk_bytes=1, resident_bytes=1,
        parameters=1, macs=1, steadiness=steadiness(times[name]),
    )  # fmt: skip
    own = tuple(ratio for ratio in ratios if name in (ratio.a, ratio.b))
    return BenchRecord(measured=NOW, bench="one", machine={}, result=result, ratios=own)


def _chart(seed, *, retrained):
    """Two copies of one model between a fast weak and a slow strong one."""
    generator = np.random.default_rng(seed)
    mood = 1 + 0.1 * generator.random((30, 1))

    def timed(milliseconds):
        session = 1 + 0.02 * generator.normal(size=(30, 1))
        return milliseconds * mood * session * (1 + 0.05 * generator.random((30, 15)))

    difficulty = generator.random(IMAGES)

    def answered(accuracy):
        return difficulty + 0.05 * generator.normal(size=IMAGES) < accuracy

    copy = answered(0.85)
    times = {"a": timed(5.0), "b": timed(5.0), "fast": timed(2.0), "strong": timed(9.0)}
    correct = {
        "a": copy,
        "b": answered(0.85) if retrained else copy,
        "fast": answered(0.7),
        "strong": answered(0.95),
    }
    return place(_candidates(times, correct))


@pytest.mark.parametrize("retrained", [False, True])
def test_two_copies_of_one_model_are_undecided_in_at_least_95_of_100_charts(retrained):
    charts = [_chart(seed, retrained=retrained).standings for seed in range(200)]
    undecided = [found[0] == found[1] == "undecided" for found in charts]
    assert np.mean(undecided) >= 0.95
    # the same rule does decide what is different
    assert np.mean([found[2:] == ("frontier", "frontier") for found in charts]) >= 0.95


def test_more_time_is_not_asked_for_where_it_cannot_settle_anything():
    charts = [_chart(seed, retrained=False) for seed in range(9)]
    about_speed = [
        {question.a, question.b}
        for placed in charts
        for question in placed.questions
        if question.quantity == "speed"
    ]
    assert 0 < len(about_speed) < len(charts)
    assert all(pair == {"a", "b"} for pair in about_speed)


def test_a_clearly_worse_model_is_dominated_in_nearly_every_chart():
    generator = np.random.default_rng(1)
    lost = 0
    for _ in range(50):
        times = {name: ms * generator.lognormal(0, 0.03, (30, 9)) for name, ms in
                 (("good", 5.0), ("bad", 6.0))}  # fmt: skip
        good = generator.random(IMAGES) < 0.9
        bad = good & (generator.random(IMAGES) < 0.9)
        placed = place(_candidates(times, {"good": good, "bad": bad}))
        lost += placed.standings == ("frontier", "dominated")
        assert not placed.questions
    assert lost >= 48


def test_questions_about_speed_say_how_much_more_timing_they_need():
    generator = np.random.default_rng(2)
    times = {
        "a": generator.lognormal(0, 0.3, (10, 5)),
        "b": 1.12 * generator.lognormal(0, 0.3, (10, 5)),
    }
    correct = np.arange(IMAGES) % 10 > 0
    placed = place(_candidates(times, {"a": correct, "b": correct}))
    (speed,) = [q for q in placed.questions if q.quantity == "speed"]
    assert speed.blocks > 10
    assert settling_blocks(placed.questions) == (("a", "b"), speed.blocks)


def test_accuracy_that_more_images_would_settle_is_not_measured_again():
    question = OpenQuestion(a="a", b="b", quantity="accuracy", images=5000)
    assert settling_blocks([question]) == ((), 0)


def test_no_models_have_no_standings():
    assert place([]).standings == ()
