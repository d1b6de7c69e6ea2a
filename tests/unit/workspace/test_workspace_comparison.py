from datetime import UTC, datetime, timedelta
from pathlib import Path

from emostudio.core.answers import BenchResult, EvaluationResult, Latency, PairedResult, Ratio
from emostudio.core.emotions import EMOTIONS
from emostudio.core.measured import Limits, Steadiness
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.comparison import compare
from emostudio.workspace.records import BenchRecord, EvaluationRecord, ModelRecord

START = datetime(2026, 1, 1, tzinfo=UTC)


def evaluated(name, accuracy, dataset="faces", paired=(), fingerprint="", day=0):
    result = EvaluationResult(
        model=name,
        samples=100,
        accuracy=accuracy,
        accuracy_interval=(accuracy - 0.05, accuracy + 0.05),
        macro_f1=accuracy,
        balanced_accuracy=accuracy,
        confusion=((1,),),
        labels=("anger",),
    )
    return EvaluationRecord(
        dataset=dataset,
        split="test",
        measured=START + timedelta(days=day),
        result=result,
        paired=paired,
        fingerprint=fingerprint,
    )


def timed(name, p50, bench="one", ratios=(), kernels="real", engine="onnxruntime", day=0):
    result = BenchResult(
        model=name,
        engine=engine,
        threads=1,
        kernels=kernels,
        latency_ms=Latency(p50=p50),
        disk_bytes=1,
        resident_bytes=7,
        parameters=1,
        macs=1,
    )
    return BenchRecord(
        measured=START + timedelta(days=day),
        bench=bench,
        machine={"cpu": bench},
        result=result,
        ratios=ratios,
    )


def model(name, role="variant", disk=100, evaluations=(), benches=(), slot=1):
    info = ModelInfo(
        name=name, architecture="cnn_s", labels=EMOTIONS, preprocessing=Preprocessing()
    )
    return ModelRecord(
        name=name,
        role=role,
        file=Path(f"{name}.safetensors"),
        info=info,
        disk_bytes=disk,
        created=START,
        slot=slot,
        evaluations=evaluations,
        benches=benches,
    )


def faster(a, b, ratio=2.0):
    return Ratio(a=a, b=b, ratio=ratio, interval=(ratio * 0.98, ratio * 1.02), verdict="words")


def test_the_teacher_is_the_baseline_and_comes_first():
    comparison = compare([model("v"), model("t", "teacher", slot=0)])
    assert comparison.baseline == "t"
    assert [row.model for row in comparison.rows] == ["t", "v"]
    assert comparison.rows[0].verdict == "Baseline"


def test_changes_are_against_the_baseline():
    teacher = model("t", "teacher", 400, (evaluated("t", 0.9),), slot=0)
    variant = model("v", disk=100, evaluations=(evaluated("v", 0.85),))
    row = compare([teacher, variant]).rows[1]
    assert row.size_ratio == 4.0
    assert round(row.accuracy_change, 6) == -0.05


def test_a_ratio_is_turned_so_that_above_one_means_faster_than_the_baseline():
    ratios = (faster("t", "v", 0.5),)
    teacher = model("t", "teacher", 400, benches=(timed("t", 2.0, ratios=ratios),), slot=0)
    variant = model("v", benches=(timed("v", 1.0, ratios=ratios),))
    row = compare([teacher, variant]).rows[1]
    assert row.speed.a == "v"
    assert round(row.speed.ratio, 6) == 2.0
    assert row.verdict == "Proved"


def test_a_row_knows_whom_it_was_proved_faster_than_in_its_own_bench():
    close = Ratio(a="a", b="b", ratio=1.02, interval=(0.97, 1.07), verdict="words")
    ratios = (faster("a", "t", 4.0), faster("b", "t", 3.9), close, faster("a", "c", 1.5))
    rows = compare(
        [
            model("t", "teacher", slot=0, benches=(timed("t", 4.0, ratios=ratios),)),
            *(model(name, benches=(timed(name, 1.0, ratios=ratios),)) for name in "abc"),
            model("d", benches=(timed("d", 0.1, bench="two"),)),
        ]
    ).rows
    assert {row.model: row.faster_than for row in rows} == {
        "t": (), "a": ("t", "c"), "b": ("t",), "c": (), "d": (),
    }  # fmt: skip


def test_a_simulated_variant_is_called_so():
    teacher = model("t", "teacher", benches=(timed("t", 2.0),), slot=0)
    variant = model("v", benches=(timed("v", 1.0, kernels="simulated"),))
    assert compare([teacher, variant]).rows[1].verdict == "Simulated"


def test_without_a_common_bench_speed_is_not_decided_and_a_note_says_so():
    teacher = model("t", "teacher", benches=(timed("t", 2.0, "one"),), slot=0)
    variant = model("v", benches=(timed("v", 1.0, "two"),))
    comparison = compare([teacher, variant])
    assert comparison.rows[1].verdict == "Not decided"
    assert any("together" in note for note in comparison.notes)


def test_the_bench_that_covers_most_models_wins_over_a_newer_one():
    ratios = (faster("v", "t"),)
    teacher = model(
        "t", "teacher", benches=(timed("t", 9.0, "new", day=2), timed("t", 2.0)), slot=0
    )
    variant = model("v", benches=(timed("v", 1.0, ratios=ratios),))
    comparison = compare([teacher, variant])
    assert comparison.rows[0].latency_ms.p50 == 2.0
    assert comparison.machine == {"cpu": "one"}


def test_the_dataset_most_models_share_is_shown():
    teacher = model(
        "t", "teacher", evaluations=(evaluated("t", 0.2, "other"), evaluated("t", 0.9)), slot=0
    )
    variant = model("v", evaluations=(evaluated("v", 0.8),))
    comparison = compare([teacher, variant])
    assert (comparison.dataset, comparison.rows[0].accuracy) == ("faces", 0.9)
    assert compare([teacher, variant], dataset="other").rows[0].accuracy == 0.2


def test_paired_results_against_the_baseline_come_along():
    pair = PairedResult(
        a="t", b="v", difference=-0.1, interval=(-0.2, 0.0), p_value=0.04, agreement=0.8
    )
    teacher = model("t", "teacher", evaluations=(evaluated("t", 0.9),), slot=0)
    variant = model("v", evaluations=(evaluated("v", 0.8, paired=(pair,)),))
    assert compare([teacher, variant]).rows[1].paired == pair.model_copy(update={"p_holm": 0.04})


def test_p_values_are_corrected_for_the_variants_shown():
    teacher = model("t", "teacher", evaluations=(evaluated("t", 0.9),), slot=0)
    variants = []
    for name, p_value in (("u", 0.03), ("v", 0.04)):
        pair = PairedResult(
            a="t", b=name, difference=-0.1, interval=(-0.2, -0.1), p_value=p_value, agreement=0.8
        )
        variants.append(model(name, evaluations=(evaluated(name, 0.8, paired=(pair,)),)))
    rows = compare([teacher, *variants]).rows
    assert [row.paired.p_holm for row in rows[1:]] == [0.06, 0.06]
    assert compare([teacher, variants[1]]).rows[1].paired.p_holm == 0.04


def _measured(name, accuracy, p50, ratios=(), **fields):
    return model(
        name,
        evaluations=(evaluated(name, accuracy),),
        benches=(timed(name, p50, ratios=ratios),),
        **fields,
    )


def test_points_stand_where_their_pairs_prove_them_to_stand():
    ratios = (faster("fast", "t"), faster("t", "bad", 1.5), faster("fast", "bad", 3.0))
    teacher = _measured("t", 0.9, 2.0, ratios, role="teacher", slot=0)
    rows = compare([teacher, _measured("fast", 0.7, 1.0, ratios), _measured("bad", 0.5, 3.0)]).rows
    assert [row.standing for row in rows] == ["frontier", "frontier", "dominated"]


def test_points_that_were_not_timed_together_are_undecided():
    comparison = compare([_measured("t", 0.9, 2.0), _measured("v", 0.9, 1.0)])
    assert [row.standing for row in comparison.rows] == ["undecided", "undecided"]
    assert comparison.questions[0].words == "t and v were not timed together"


def test_a_row_without_time_has_no_place_on_the_chart():
    unmeasured = model("v", evaluations=(evaluated("v", 0.8),))
    assert compare([_measured("t", 0.9, 2.0), unmeasured]).rows[1].standing == ""


def test_limits_are_kept_broken_or_not_decided_by_the_intervals():
    one = _measured("t", 0.9, 2.0)  # accuracy 0.85 to 0.95
    words = [
        compare([one], limits=Limits(least_accuracy=least)).rows[0].meets_limits
        for least in (0.8, 0.9, 0.96)
    ]
    assert words == ["yes", "undecided", "no"]
    assert compare([one]).rows[0].meets_limits == ""
    steady = Steadiness(
        mild_outliers=0, far_outliers=0, scatter_percent=1, drift_percent=0, drift_interval=(0, 0),
        block_medians_ms=(1.98, 2.0, 2.02),
    )  # fmt: skip
    bench = one.benches[0]
    result = bench.result.model_copy(update={"steadiness": steady})
    timed_well = one.model_copy(update={"benches": (bench.model_copy(update={"result": result}),)})
    row = compare([timed_well], limits=Limits(most_ms=2.2)).rows[0]
    assert row.latency_interval[0] < 2.0 < row.latency_interval[1] < 2.2
    assert row.meets_limits == "yes"
    assert compare([timed_well], limits=Limits(most_ms=1.5)).rows[0].meets_limits == "no"


def test_missing_measurements_are_named_not_invented():
    comparison = compare([model("t", "teacher", slot=0), model("v")])
    assert comparison.rows[1].accuracy is None
    assert comparison.rows[1].latency_ms is None
    assert len(comparison.notes) == 2


def test_nothing_to_compare_is_no_error():
    assert compare([]).rows == ()


def made_by(method, record, parent):
    info = record.info.model_copy(update={"recipe": Recipe(steps=(RecipeStep(method=method),))})
    return record.model_copy(update={"info": info, "parent": parent})


def family(cp_speed):
    against_student = Ratio(
        a="cp", b="student", ratio=cp_speed, interval=(cp_speed, cp_speed), verdict=""
    )
    against_teacher = Ratio(a="cp", b="t", ratio=9.0, interval=(8.9, 9.1), verdict="")
    teacher = model("t", "teacher", disk=1000, slot=0, benches=[timed("t", 9.0)])
    student = model("student", disk=100, benches=[timed("student", 1.0)])
    cp = model("cp", disk=50, benches=[timed("cp", 1.0, ratios=(against_teacher, against_student))])
    return [teacher, student.model_copy(update={"parent": "t"}), made_by("cp", cp, "student")]


def test_a_verdict_is_against_the_parent_and_not_against_the_baseline():
    row = compare(family(0.8), speed_claims={"cp"}).rows[2]
    assert row.speed.ratio == 9.0
    assert (row.verdict, row.judged_against) == ("Refuted", "student")


def test_a_smaller_variant_without_a_published_speed_gain_is_size_only():
    assert compare(family(0.8)).rows[2].verdict == "Size only"


def test_a_variant_faster_than_its_parent_is_proved():
    assert compare(family(1.2), speed_claims={"cp"}).rows[2].verdict == "Proved"


def test_the_parent_counts_even_where_it_is_not_among_the_models():
    teacher, _, cp = family(0.8)
    row = compare([teacher, cp], speed_claims={"cp"}).rows[1]
    assert (row.verdict, row.judged_against) == ("Refuted", "student")


def test_without_a_known_parent_the_baseline_is_the_judge():
    teacher, _, cp = family(0.8)
    row = compare([teacher, cp.model_copy(update={"parent": "deleted"})]).rows[1]
    assert (row.verdict, row.judged_against) == ("Proved", "t")


def test_a_model_measured_on_another_engine_only_shows_that():
    signs = model("v", benches=(timed("v", 1.0, engine="packed", ratios=(faster("v", "t", 3.0),)),))
    teacher = model("t", "teacher", benches=(timed("t", 3.0),), slot=0)
    rows = {row.model: row for row in compare([teacher, signs]).rows}
    assert (rows["v"].engine, rows["v"].latency_ms.p50) == ("packed", 1.0)
    assert rows["v"].speed.ratio == 3.0
    asked = {row.model: row for row in compare([teacher, signs], engine="onnxruntime").rows}
    assert asked["v"].latency_ms is None


def test_what_blocks_publication_is_said_once_for_all_models():
    why = "The machine runs on battery"
    benches = [timed(name, 1.0).model_copy(update={"blockers": (why,)}) for name in "ab"]
    models = [model(name, benches=(bench,)) for name, bench in zip("ab", benches, strict=True)]
    assert compare(models).blockers == (why,)
    assert compare([model("a", benches=(timed("a", 1.0),))]).blockers == ()


def test_a_speed_up_is_between_models_on_the_engine_that_the_row_shows():
    engines = ("torch", "onnxruntime")
    ratios = {
        "torch": (faster("v@torch", "t@torch", 1.5),),
        "onnxruntime": (
            faster("v@onnxruntime", "t@torch", 15.0),
            faster("v@onnxruntime", "t@onnxruntime", 1.1),
        ),
    }
    teacher = model("t", "teacher", benches=[timed("t", 9.0, engine=e) for e in engines], slot=0)
    own = [timed("v", 1.0, engine=e, ratios=ratios[e]) for e in engines]
    row = compare([teacher, model("v", benches=own)]).rows[1]
    assert (row.engine, round(row.speed.ratio, 6)) == ("onnxruntime", 1.1)
    assert compare([teacher, model("v", benches=own)], engine="torch").rows[1].speed.ratio == 1.5
    across = timed("v", 1.0, ratios=(faster("v@onnxruntime", "t@torch", 15.0),))
    row = compare([teacher, model("v", benches=(across,))]).rows[1]
    assert (row.speed, row.verdict) == (None, "Not decided")


def test_the_engine_at_a_tie_is_that_of_the_newest_measurement_then_the_first_by_name():
    engines = ("openvino", "packed", "torch", "a", "b", "c", "d")
    benches = [timed("t", 1.0, engine=e, day=3 if e == "packed" else 0) for e in engines]
    assert compare([model("t", "teacher", benches=benches)]).engine == "packed"
    same = [timed("t", 1.0, engine=engine) for engine in engines]
    assert compare([model("t", "teacher", benches=same)]).engine == "a"


def test_accuracies_of_different_pictures_under_one_name_are_not_compared():
    old, new = evaluated("t", 0.9, fingerprint="a"), evaluated("v", 0.5, fingerprint="b", day=1)
    teacher, variant = (
        model("t", "teacher", evaluations=(old,), slot=0),
        model("v", evaluations=(new,)),
    )
    comparison = compare([teacher, variant])
    assert [row.accuracy for row in comparison.rows] == [None, 0.5]
    assert comparison.rows[1].accuracy_change is None
    assert any("Other pictures were called faces" in note for note in comparison.notes)
    again = teacher.model_copy(update={"evaluations": (evaluated("t", 0.7, fingerprint="b"), old)})
    assert round(compare([again, variant]).rows[1].accuracy_change, 6) == -0.2
    assert not any("Other pictures" in note for note in compare([again, variant]).notes)


def test_an_accuracy_from_before_pictures_were_noted_is_shown_and_said_to_be_one():
    old, new = evaluated("t", 0.9), evaluated("v", 0.5, fingerprint="b", day=1)
    teacher, variant = (
        model("t", "teacher", evaluations=(old,), slot=0),
        model("v", evaluations=(new,)),
    )
    comparison = compare([teacher, variant])
    assert [row.accuracy for row in comparison.rows] == [0.9, 0.5]
    assert comparison.rows[1].paired is None
    (note,) = (note for note in comparison.notes if "pictures called" in note)
    assert note.startswith("On which pictures called faces, test these were evaluated was not")
    assert ": t;" in note
    # where both are known, the noted one counts
    known = evaluated("t", 0.7, fingerprint="b")
    again = teacher.model_copy(update={"evaluations": (old, known)})
    assert compare([again, variant]).rows[0].accuracy == 0.7


def test_older_records_have_the_interval_of_f1_from_their_counts():
    teacher = model("t", "teacher", evaluations=(evaluated("t", 0.9),), slot=0)
    low, high = compare([teacher]).rows[0].macro_f1_interval
    assert 0 < low < high == 1


def test_times_are_dated_by_the_measurements_that_are_shown():
    newer = timed("t", 9.0, "new", engine="torch", day=5)
    teacher = model("t", "teacher", benches=(newer, timed("t", 2.0, day=1)), slot=0)
    shown = compare([teacher, model("v", benches=(timed("v", 1.0, day=1),))])
    assert shown.measured == (START + timedelta(days=1),) * 2
    assert compare([model("v")]).measured is None


def test_a_smaller_variant_that_is_proved_slower_is_called_so():
    def judged(ratio):
        ratios = (faster("v", "t", ratio),)
        teacher = model("t", "teacher", 400, benches=(timed("t", 1.0, ratios=ratios),), slot=0)
        return compare([teacher, model("v", benches=(timed("v", 2.0, ratios=ratios),))])

    slower = judged(0.5)
    row = slower.rows[1]
    assert (row.verdict, row.verdict_reason) == ("Size only", "smaller, but proved slower")
    assert "v is smaller, but proved slower" in slower.notes
    assert judged(2.0).rows[1].verdict_reason == ""
    assert judged(0.999).rows[1].verdict_reason == ""
