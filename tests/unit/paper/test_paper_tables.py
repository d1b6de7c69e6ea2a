"""Tables from finished parts: the right numbers in the right places, or none."""

import pytest
from paper_fakes import benched, evaluation, record, trained

from emostudio.paper.base import Findings
from emostudio.paper.catalogue import EXPERIMENTS
from emostudio.paper.distillation import student_key
from emostudio.paper.gains import BENCH
from emostudio.paper.study import StudySettings
from emostudio.paper.words import measured_words

SETTINGS = StudySettings()


FIVE = StudySettings(seeds=5)


def parts_of(key, settings=SETTINGS):
    return {part.key: part for part in EXPERIMENTS.get(key).parts(settings)}


def table(key, results, **fields):
    findings = Findings(SETTINGS, record(**fields), results)
    return EXPERIMENTS.get(key).table(findings)


def row(made, key):
    return next(row for row in made.rows if row.key == key)


@pytest.fixture
def networks():
    parts = parts_of("table2")
    results = {key: trained(part) for key, part in parts.items() if key != BENCH}
    models = [result.model for result in results.values()]
    results[BENCH] = benched(parts[BENCH], models, simulated=("model-binary_activations-s0",))
    return results


def test_sizes_are_the_file_and_apart_from_it_what_the_survey_would_count(networks):
    made = table("table2", networks)
    vgg, bwn = row(made, "vgg_s").cells["size_mib"], row(made, "bwn").cells["size_mib"]
    assert vgg.ours.value == bwn.ours.value == pytest.approx(4000 / 2**20)
    assert vgg.as_paper.value == pytest.approx(4 * 1000 / 2**20)
    assert bwn.as_paper.value == pytest.approx(1000 / 8 / 2**20)
    assert bwn.ours.basis == "exact"


def test_a_step_is_divided_by_its_pictures(networks):
    step = row(table("table2", networks), "hashed").cells["training_ms"].ours
    assert (step.low, step.value, step.high) == pytest.approx((1.9, 2.0, 2.2))
    assert step.basis == "95 %, Student t over 10 medians of blocks, 100 steps of 20 pictures"


def test_a_step_of_the_last_stage_says_so(networks):
    two = networks["xnor-s0"].step.model_copy(update={"trainings": 2})
    networks["xnor-s0"] = networks["xnor-s0"].model_copy(update={"step": two})
    made = row(table("table2", networks), "xnor")
    assert made.cells["training_ms"].ours.basis.endswith("the last of 2 trainings")
    assert "step time of the second" in made.caveats[0]


def test_speed_is_against_vgg_and_the_survey_s_is_computed_from_its_times(networks):
    made = table("table2", networks)
    speed = row(made, "hashed").cells["speed"]
    assert speed.paper == pytest.approx(33.4 / 158.2)
    assert (speed.ours.value, speed.ours.low) == pytest.approx((2.0, 1.8))
    assert row(made, "vgg_s").cells["speed"].ours.value == 1.0


def test_a_network_without_real_kernels_has_no_time(networks):
    simulated = row(table("table2", networks), "binary_activations")
    assert simulated.cells["inference_ms"].ours is None
    assert simulated.cells["speed"].ours is None
    assert simulated.verdict == "Simulated"


def test_a_faster_network_is_proved_and_the_two_parents_are_baselines(networks):
    made = table("table2", networks)
    assert row(made, "hashed").verdict == "Proved"
    assert row(made, "vgg_s").verdict == row(made, "squeezenet").verdict == "Baseline"


def test_why_there_is_no_time_is_told_as_it_is(networks):
    found = row(table("table2", networks), "binary_activations")
    assert found.verdict_words == "Against VGG-S: no real kernel, so no time"
    bench = networks[BENCH]
    networks[BENCH] = bench.model_copy(update={"ratios": ()})
    found = row(table("table2", networks), "hashed")
    assert "no real kernel" not in found.verdict_words
    assert "not timed beside it" in found.verdict_words


def test_the_table_of_claims_is_complete_only_with_the_bench(networks):
    assert table("table1", networks).is_complete
    del networks[BENCH]
    assert not table("table1", networks).is_complete


def test_a_size_is_warned_of_in_the_unit_of_its_column(networks):
    made = table("table2", networks)
    assert "MiB" in {column.unit for column in made.columns}
    words = " ".join(caveat.words for caveat in made.caveats)
    assert "sizes in MiB" in words
    assert " MB" not in words


def test_accuracy_has_the_honest_column_and_the_paper_accounting(networks):
    accuracy = row(table("table2", networks), "bwn").cells["accuracy"]
    assert accuracy.ours.value == pytest.approx(90.0)
    assert accuracy.ours.low < 90 < accuracy.ours.high
    assert accuracy.as_paper.value == pytest.approx(80.0)


def test_before_the_bench_there_is_no_verdict(networks):
    del networks[BENCH]
    assert row(table("table2", networks), "hashed").verdict == ""


def test_claims_show_ours_only_where_table_2_measured_the_method(networks):
    made = table("table1", networks)
    assert row(made, "cp").cells["file"].ours.value == 1.0
    assert row(made, "fitnets").cells["file"].ours is None
    assert row(made, "fitnets").verdict == ""


def test_claims_are_judged_by_networks_of_the_full_size_only(networks):
    assert {made.verdict for made in table("table1", networks).rows} == {""}
    full = StudySettings(preset="full")
    parts = {part.key: part for part in EXPERIMENTS.get("table2").parts(full)}
    results = {key: trained(part) for key, part in parts.items() if key != BENCH}
    judged = EXPERIMENTS.get("table1").table(Findings(full, record(full), results))
    assert row(judged, "cp").verdict == "Refuted"
    assert row(judged, "fitnets").verdict == ""


def full_claims(factor, resident=None, spread=None):
    """Table 1 of the full preset: files of one `factor`, speed of 80, memory in bytes."""
    full = StudySettings(preset="full")
    parts = {part.key: part for part in EXPERIMENTS.get("table2").parts(full)}
    results = {key: trained(part) for key, part in parts.items() if key != BENCH}
    for key in ("xnor-s0", "hashed-s0"):
        smaller = {"disk_bytes": round(4000 / factor)}
        results[key] = results[key].model_copy(update=smaller)
    models = [result.model for result in results.values()]
    results[BENCH] = benched(parts[BENCH], models, 80.0, resident=resident, spread=spread)
    return EXPERIMENTS.get("table1").table(Findings(full, record(full), results))


MEMORY = {"model-vgg_s-s0": 7_000_000, "model-xnor-s0": 100_000}


def test_memory_and_file_are_two_columns_each_of_its_own_bytes():
    xnor = row(full_claims(80, MEMORY, spread=0.1), "xnor")
    memory, file = xnor.cells["memory"].ours, xnor.cells["file"].ours
    assert memory.value == pytest.approx(70.0)
    assert (memory.low, memory.high) == pytest.approx((70 * 0.9 / 1.1, 70 * 1.1 / 0.9))
    assert "fresh processes" in memory.basis
    assert (file.value, file.basis) == (80.0, "exact")


def test_a_claim_is_judged_by_memory_and_by_file_each_on_its_own():
    proved = row(full_claims(80, MEMORY), "xnor")
    assert proved.verdict_words == "Memory: proved. File: proved. Time: proved"
    assert proved.verdict == "Proved"
    little = row(full_claims(80, {**MEMORY, "model-xnor-s0": 5_000_000}), "xnor")
    assert little.verdict_words == "Memory: refuted. File: proved. Time: proved"
    assert little.verdict == "Refuted"


def test_a_small_file_is_no_little_memory():
    unmeasured = row(full_claims(80), "hashed")
    assert unmeasured.cells["memory"].ours is None
    assert unmeasured.verdict_words == "Memory: not decided. File: proved"
    assert unmeasured.verdict == "Not decided"


def test_memory_of_simulated_arithmetic_is_none():
    full = StudySettings(preset="full")
    bench = {part.key: part for part in EXPERIMENTS.get("table2").parts(full)}[BENCH]
    results = {key: trained(part) for key, part in parts_of("table2").items() if key != BENCH}
    models = [result.model for result in results.values()]
    results[BENCH] = benched(bench, models, simulated=("model-xnor-s0",), resident=MEMORY)
    assert row(table("table1", results), "xnor").cells["memory"].ours is None


def test_a_claim_of_theory_alone_has_no_figure_of_a_file():
    made = table("table1", {})
    assert row(made, "binary_net").cells["file"].paper is None
    assert row(made, "squeezenet").cells["file"].paper == 50.0


def test_a_table_tells_versions_and_protocol(networks):
    told = table("table2", networks).facts
    assert told["Versions"] == "EmoStudio 0.1, torch 2.10, Python 3.12.1, Test OS 1"
    assert "split by subject" in told["Protocol"]
    assert "3 interleaved blocks" in told["Protocol"]
    assert "240 queries per model, batch 1" in told["Protocol"]
    assert "blocks" not in table("figures", networks).facts["Protocol"]


def test_parts_of_two_versions_tell_both_and_older_ones_that_they_told_none(networks):
    first, *_ = networks
    machine = networks[first].machine | {"versions": {"EmoStudio": "0.2", "torch": "2.10"}}
    later = networks[first].finished.replace(year=2027)
    networks[first] = networks[first].model_copy(update={"machine": machine, "finished": later})
    assert table("table2", networks).facts["Versions"].startswith("EmoStudio 0.1 and 0.2, torch 2.")
    bare = {key: part.model_copy(update={"machine": {}}) for key, part in networks.items()}
    assert table("table2", bare).facts["Versions"] == "not recorded"


def test_curves_are_the_trainings_of_table_2(networks):
    made = table("figures", networks)
    assert [curve.reference for curve in made.curves] == [f"Figure {n}" for n in range(1, 7)]
    assert made.curves[0].train_error == (0.5, 0.2)
    last = row(made, "figure1").cells["last_error"]
    assert (last.paper, last.ours.value) == pytest.approx((2.87, 30.0))


def test_the_least_error_of_all_epochs_has_no_interval_and_the_last_one_has(networks):
    networks["vgg_s-s0"] = networks["vgg_s-s0"].model_copy(
        update={"train_error": (0.5, 0.2, 0.1), "test_error": (0.6, 0.25, 0.3)}
    )
    made = table("figures", networks)
    cells = row(made, "figure1").cells
    least, last = cells["least_error"].ours, cells["last_error"].ours
    assert least.value == pytest.approx(25.0)
    assert (least.low, least.high) == (least.value, least.value)
    assert least.basis == "no interval: the least of 3 epochs"
    assert not least.has_interval
    assert measured_words(least, 1) == "25.0"
    assert last.has_interval
    assert measured_words(last, 1) == "30.0 [21.9, 39.6]"
    assert any(caveat.title == "Least test error." for caveat in made.caveats)


def students(accuracies):
    """Students of the foreign teacher by loss: one accuracy per seed."""
    parts, results = parts_of("table3", FIVE), {}
    for loss, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            key, judge = student_key("foreign", loss, seed), f"students-s{seed}"
            results[key] = trained(parts[key], agreement=accuracy, evaluation=None)
            before = results[judge].evaluations if judge in results else ()
            mine = evaluation(f"model-{key}", accuracy)
            results[judge] = trained(parts[judge], model="", evaluations=(*before, mine))
    return results


def five(results):
    """Table 3 of a study with five seeds."""
    return EXPERIMENTS.get("table3").table(Findings(FIVE, record(), results))


def finding(made, start):
    return next(f for f in made.findings if f.words.startswith(start))


def test_the_ordering_is_proved_where_five_seeds_agree():
    results = students(
        {"labels": (0.50, 0.52, 0.51, 0.50, 0.52), "softmax": (0.60, 0.61, 0.62, 0.61, 0.61)}
    )
    told = finding(five(results), "Teacher of other faces, on the test")
    assert told.verdict == "Proved"
    assert told.difference.value == pytest.approx(10.0)
    assert "5 seeds" in told.difference.basis
    assert "p < 0.001, p < 0.001 after Holm over 2 comparisons" in told.words


@pytest.mark.parametrize("seeds", [3, 4])
def test_fewer_than_five_seeds_show_a_difference_and_decide_nothing(seeds):
    results = students({"labels": (0.50, 0.51) * 2, "softmax": (0.80, 0.81) * 2})
    few = {key: part for key, part in results.items() if int(key[-1]) < seeds}
    told = finding(table("table3", few), "Teacher of other faces, on the test")
    assert told.difference.low > 0
    assert told.verdict == "Not decided"
    assert f"{seeds} seeds, a ranking needs 5" in told.words


def test_an_interval_that_leaves_out_zero_decides_nothing_where_holm_does_not():
    labels, better = (0.50, 0.52, 0.51, 0.50, 0.52), (0.51, 0.545, 0.525, 0.525, 0.525)
    told = finding(
        five(students({"labels": labels, "softmax": better})), "Teacher of other faces, on the"
    )
    assert told.difference.low > 0
    assert told.verdict == "Proved"
    # two more comparisons, of which nothing is to be expected
    more = students({"labels": labels, "softmax": better, "combined": better[::-1]})
    told = finding(five(more), "Teacher of other faces, on the test")
    assert told.difference.low > 0
    assert told.verdict == "Not decided"
    assert "all comparisons together do not decide" in told.words


def test_seeds_that_all_give_the_same_difference_decide_nothing():
    few = [hits / 30 for hits in (13, 14, 17, 19, 22)]
    told = finding(
        five(students({"labels": few, "softmax": [share + 2 / 30 for share in few]})),
        "Teacher of other faces, on",
    )
    assert told.difference.low == pytest.approx(20 / 3)
    assert told.difference.high == pytest.approx(20 / 3)
    assert told.verdict == "Not decided"
    assert "its spread is unknown" in told.words


def test_the_ordering_is_not_decided_where_seeds_disagree():
    results = students(
        {"labels": (0.50, 0.60, 0.51, 0.55, 0.52), "softmax": (0.52, 0.58, 0.53, 0.54, 0.53)}
    )
    told = finding(five(results), "Teacher of other faces, on the test")
    assert told.verdict == "Not decided"


def test_the_reverse_ordering_is_refuted():
    results = students(
        {"labels": (0.60, 0.61, 0.62, 0.61, 0.60), "softmax": (0.50, 0.51, 0.515, 0.51, 0.50)}
    )
    told = finding(five(results), "Teacher of other faces, on the test")
    assert told.verdict == "Refuted"


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_show_no_difference(seeds):
    results = students({"labels": (0.5,) * seeds, "softmax": (0.9,) * seeds})
    assert table("table3", results).findings == ()


def test_an_interval_over_seeds_stays_a_share_and_is_never_taken_for_exact():
    made = table("table3", students({"labels": (0.02, 0.5), "softmax": (0.6, 0.6)}))
    wide = row(made, "foreign-labels").cells["accuracy"].ours
    same = row(made, "foreign-softmax").cells["accuracy"].ours
    assert (wide.low, wide.high) == (0.0, 100.0)
    assert (same.low, same.high, same.is_exact) == (60.0, 60.0, False)


def test_agreement_is_on_faces_held_back_and_beside_it_as_the_survey_counts():
    results = students({"softmax": (0.6, 0.62)})
    cell = row(table("table3", results), "foreign-softmax").cells["agreement"]
    assert cell.ours.value == pytest.approx(61.0)
    assert "2 seeds" in cell.ours.basis
    assert cell.as_paper.value == pytest.approx(80.0)


def test_drawn_faces_are_warned_of_and_rafd_is_not(networks):
    drawn = table("table2", networks)
    assert drawn.caveats[0].title == "Other pictures."
    assert drawn.caveats[0].is_warning
    same = table("table2", networks, reader="rafd")
    assert "Other pictures." not in [caveat.title for caveat in same.caveats]
