from datetime import UTC, datetime
from pathlib import Path

import pytest
from paper_fakes import record, trained

from emostudio.core.errors import InputError
from emostudio.core.jobs import BenchJob, CompressJob
from emostudio.paper.catalogue import EXPERIMENTS, tables_of
from emostudio.paper.distillation import distillation_seeds, student_key
from emostudio.paper.networks import seeds
from emostudio.paper.parts import Part
from emostudio.paper.presets import preset
from emostudio.paper.study import Study, StudySettings, studies


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path, StudySettings())


@pytest.fixture
def parts(study):
    return EXPERIMENTS.get("table2").parts(study.settings)


def test_a_finished_part_is_found_again(study, parts):
    result = trained(parts[0])
    study.keep(result)
    assert study.results(parts) == {parts[0].key: result}


def test_a_part_of_another_preset_does_not_count(study, parts):
    study.keep(trained(parts[0], fingerprint="other"))
    assert study.results(parts) == {}


def test_a_part_made_from_other_pictures_does_not_count(study, parts):
    study.write_record(record(study.settings, fingerprint="new"))
    study.keep(trained(parts[0], data_fingerprint="new"))
    study.keep(trained(parts[1], data_fingerprint="old"))
    study.keep(trained(parts[-1], data_fingerprint=None))  # from before it was kept
    assert list(study.results(parts)) == [parts[0].key]


def test_students_count_only_with_the_pool_they_learnt_from(tmp_path):
    study = Study(tmp_path, StudySettings(pool="pool"))
    known = record(study.settings, fingerprint="data")
    pool = known.data.model_copy(update={"fingerprint": "pool"})
    study.write_record(known.model_copy(update={"pool": pool}))
    parts = {part.key: part for part in EXPERIMENTS.get("table3").parts(study.settings)}
    student, other = (parts[student_key("own", loss, 0)] for loss in ("labels", "softmax"))
    vgg = trained(parts["vgg_s-s0"], data_fingerprint="data")
    results = (
        vgg,
        trained(student, data_fingerprint="pool", inputs=(vgg.identity,)),
        trained(other, data_fingerprint="data", inputs=(vgg.identity,)),
    )
    for result in results:
        study.keep(result)
    assert list(study.results((parts["vgg_s-s0"], student, other))) == [vgg.key, student.key]


def test_what_was_made_from_a_model_of_the_same_name_made_anew_does_not_count(study, parts):
    by_key = {part.key: part for part in parts}
    parent, child = by_key["vgg_s-s0"], by_key["bwn-s0"]
    first = trained(parent)
    study.keep(first)
    study.keep(trained(child, inputs=(first.identity,)))
    assert set(study.results((parent, child))) == {parent.key, child.key}
    study.keep(trained(parent, finished=datetime(2026, 1, 2, tzinfo=UTC)))
    assert set(study.results((parent, child))) == {parent.key}


def test_a_damaged_part_is_done_again(study, parts):
    study.keep(trained(parts[0]))
    file = study.folder / "parts" / f"{parts[0].key}.json"
    file.write_bytes(file.read_bytes()[:-40])
    assert study.results(parts) == {}


def test_the_same_settings_name_the_same_study_and_others_another(tmp_path):
    first = StudySettings(data="faces.csv")
    assert StudySettings(data="faces.csv").name == first.name
    assert StudySettings(data="faces.csv", teacher="net").name != first.name
    assert "faces" in first.name


def test_more_seeds_go_on_with_the_same_study_and_are_remembered(tmp_path):
    few = Study(tmp_path, StudySettings())
    few.write_record(record(few.settings))
    first = EXPERIMENTS.get("table3").parts(few.settings)
    few.keep(trained(first[0]))
    more = Study(tmp_path, StudySettings(seeds=9))
    parts = EXPERIMENTS.get("table3").parts(more.settings)
    assert {part.key for part in first} < {part.key for part in parts}
    assert parts[0].key in more.results(parts)
    more.write_record(record(more.settings))
    assert Study(tmp_path, StudySettings()).settings.seeds == 9


def test_fewer_seeds_than_before_or_than_usual_take_none_away(tmp_path):
    nine = Study(tmp_path, StudySettings(seeds=9))
    nine.write_record(record(nine.settings))
    assert Study(tmp_path, StudySettings(seeds=2)).settings.seeds == 9
    usual = preset("quick").distillation_seeds
    two = StudySettings(data="others", seeds=2)
    assert len(distillation_seeds(Study(tmp_path, two).settings)) == usual
    assert len(seeds(two)) == 2


def test_the_study_worked_on_last_comes_first(tmp_path):
    old, new = (Study(tmp_path, StudySettings(data=name)) for name in ("old", "new"))
    for study in (old, new):
        study.write_record(record(study.settings))
    part = EXPERIMENTS.get("table2").parts(old.settings)[0]
    old.keep(trained(part))
    later = (new.folder / "study.json").stat().st_mtime + 60
    import os

    os.utime(old.folder / "parts", (later, later))
    assert [study.settings.data for study in studies(tmp_path)] == ["old", "new"]


def test_a_table_tells_how_much_is_done(study, parts):
    study.keep(trained(parts[0]))
    table = tables_of(study, ("table2",))["table2"]
    assert (table.parts_done, table.parts_total, table.seconds) == (1, len(parts), 10.0)
    assert not table.is_complete


def test_an_unknown_experiment_lists_the_known_ones(study):
    with pytest.raises(InputError) as error:
        tables_of(study, ("table9",))
    assert "table2" in str(error.value)


def test_models_of_parts_and_data_are_put_into_the_job():
    job = CompressJob(teacher="part:a", data="faces", recipe={"steps": ()})
    part = Part("b", "B", job)
    made = part.resolved({"a": "net-2"}, lambda argument: f"{argument}-imported")
    assert part.needs == ("a",)
    assert (made.teacher, made.data) == ("net-2", "faces-imported")


def test_a_bench_goes_on_without_a_model_that_failed():
    part = Part("bench", "Bench", BenchJob(models=("part:a", "part:b", "own")))
    assert part.resolved({"a": "net"}, Path).models == ("net", "own")


def test_the_fingerprint_follows_the_job():
    job = BenchJob(models=("part:a",))
    other = job.model_copy(update={"blocks": 12})
    assert Part("x", "X", job).fingerprint != Part("x", "X", other).fingerprint
