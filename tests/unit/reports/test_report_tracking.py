"""Folders for experiment trackers: what a tracker reads there is what was measured."""

import json
import struct
import sys

import pytest

from emostudio.core.errors import InputError
from emostudio.reports.comparison import Extras, build
from emostudio.reports.folders import MARKER, REPORT_RUN
from emostudio.reports.tracking import runs_of
from emostudio.workspace.charts.material import TrainingCurve

CURVES = (TrainingCurve("fast", 1, (1, 2, 3), (0.5, 0.3, 0.2), (0.6, 0.4, None)),)
EXTRAS = Extras(curves=CURVES)


def test_a_run_holds_intervals_sizes_and_errors_by_epoch(records):
    run = next(run for run in runs_of(build(records, extras=EXTRAS)) if run.name == "fast")
    found = {(scalar.key, scalar.step): scalar.value for scalar in run.scalars}
    assert found["accuracy_percent", 0] == pytest.approx(88.0)
    assert found["accuracy_percent_low", 0] == pytest.approx(83.0)
    assert found["speed_ratio_high", 0] == pytest.approx(4.06)
    assert found["size/disk_mb", 0] == 1.0
    assert found["error_percent/training", 3] == pytest.approx(20.0)
    assert ("error_percent/validation", 3) not in found
    assert run.parameters["engine"] == "onnxruntime"
    assert "Test CPU" in run.tags["machine"]
    assert "Article 5" in run.tags["caveats"]


def folders_of(out):
    return {path.name for path in out.iterdir() if path.is_dir()}


def names_of(out, suffix):
    """Names of all runs, as their tracker shows them."""
    folders = folders_of(out) - {".trash"}
    if suffix == "tensorboard":
        return sorted(folders)
    experiment = out / folders.pop()
    return [meta_of(experiment / name)["run_name"] for name in folders_of(experiment)]


def records_of(file):
    """The records of an event file, read as its format is documented."""
    content, place, found = file.read_bytes(), 0, []
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        found.append(content[place + 12 : place + 12 + length])
        place += 16 + length
    assert place == len(content)
    return found


def test_event_files_give_back_every_number(records, tmp_path, write):
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    out = write(records, tmp_path / "c.tensorboard", extras=EXTRAS)
    assert folders_of(out) == {"teacher", "fast", "packed-small", "bits", REPORT_RUN}
    (file,) = (out / "fast").iterdir()
    assert "tfevents" in file.name
    first, *rest = [event_pb2.Event.FromString(record) for record in records_of(file)]
    assert first.file_version == "brain.Event:2"
    found = {(v.tag, e.step): v.simple_value for e in rest for v in e.summary.value}
    assert found["error_percent/training", 2] == pytest.approx(30.0)
    assert found["inference_p50_ms", 0] == pytest.approx(2.5)


def test_event_files_hold_the_charts_as_pictures(records, tmp_path, write):
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    out = write(records, tmp_path / "c.tensorboard", extras=EXTRAS)
    (file,) = (out / REPORT_RUN).iterdir()
    values = [v for r in records_of(file) for v in event_pb2.Event.FromString(r).summary.value]
    images = {v.tag: v.image for v in values if v.HasField("image")}
    assert {"charts/pareto", "charts/bars", "charts/curves"} <= set(images)
    picture = images["charts/pareto"].encoded_image_string
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert (images["charts/pareto"].width, images["charts/pareto"].height) == (width, height)


def test_a_second_export_replaces_the_first(records, tmp_path, write):
    pytest.importorskip("tensorboardX")
    for _ in range(2):
        out = write(records, tmp_path / "c.tensorboard")
        assert len(folders_of(out)) == 5
        assert all(len(list((out / name).iterdir())) == 1 for name in folders_of(out))
        out = write(records, tmp_path / "c.mlruns")
        (experiment,) = folders_of(out)
        assert len(folders_of(out / experiment)) == 5


@pytest.mark.parametrize("suffix", ["tensorboard", "mlruns"])
def test_runs_of_an_earlier_larger_comparison_go_and_what_others_put_there_stays(
    suffix, records, tmp_path, write
):
    pytest.importorskip("tensorboardX")
    out = write(records, tmp_path / f"c.{suffix}")
    (out / ".trash").mkdir()
    (out / ".trash" / "note").write_text("mine")
    write(records[:2], out)
    runs = names_of(out, suffix)
    assert sorted(runs) == sorted(["teacher", "fast", REPORT_RUN])
    assert (out / ".trash" / "note").read_text() == "mine"


@pytest.mark.parametrize("suffix", ["tensorboard", "mlruns"])
def test_models_named_alike_or_like_the_report_each_keep_their_run(
    suffix, records, tmp_path, write
):
    pytest.importorskip("tensorboardX")
    names = ["report", REPORT_RUN, "a b", "a-b", "A-B"]
    made = [
        records[0].model_copy(update={"name": name, "slot": slot})
        for slot, name in enumerate(names)
    ]
    out = write(made, tmp_path / f"c.{suffix}")
    assert len(names_of(out, suffix)) == 6
    if suffix == "mlruns":
        assert sorted(names_of(out, suffix)) == sorted([*names, REPORT_RUN])


@pytest.mark.parametrize("suffix", ["tensorboard", "mlruns"])
@pytest.mark.parametrize("marker", [None, "{}", '{"written": 3}'])
def test_a_folder_that_no_report_wrote_is_refused_and_left(
    suffix, marker, records, tmp_path, write
):
    pytest.importorskip("tensorboardX")
    out = tmp_path / f"c.{suffix}"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    if marker is not None:
        (out / MARKER).write_text(marker)
    with pytest.raises(InputError, match="was not written") as caught:
        write(records, out)
    assert "empty folder" in caught.value.next_step
    assert (out / "diary.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("suffix", ["tensorboard", "mlruns"])
def test_a_report_that_fails_leaves_the_earlier_one(suffix, records, tmp_path, monkeypatch, write):
    pytest.importorskip("tensorboardX")
    out = write(records, tmp_path / f"c.{suffix}")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def fail(*_words, **_options):
        raise RuntimeError("no fonts")

    for name in ("tensorboard.chart_figure", "mlruns.captioned"):
        monkeypatch.setattr(f"emostudio.reports.writers.{name}", fail)
    with pytest.raises(RuntimeError, match="no fonts"):
        write(records[:2], out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert not list(tmp_path.glob(".*"))


def test_an_empty_folder_is_filled(records, tmp_path, write):
    (tmp_path / "c.mlruns").mkdir()
    out = write(records, tmp_path / "c.mlruns")
    assert len(names_of(out, "mlruns")) == 5


def test_without_the_extra_the_user_is_told_what_to_install(records, tmp_path, monkeypatch, write):
    monkeypatch.setitem(sys.modules, "tensorboardX.summary", None)
    with pytest.raises(InputError, match="TensorBoard") as caught:
        write(records, tmp_path / "out" / "c.tensorboard")
    assert "emostudio[tensorboard]" in caught.value.next_step
    assert not (tmp_path / "out").exists()


def meta_of(folder):
    lines = (folder / "meta.yaml").read_text("utf-8").splitlines()
    return {key: json.loads(value) for key, value in (line.split(": ", 1) for line in lines)}


def test_mlflow_folders_are_laid_out_as_its_file_store(records, tmp_path, write):
    out = write(records, tmp_path / "c.mlruns", title="Mine", extras=EXTRAS)
    experiment = out / folders_of(out).pop()
    described = meta_of(experiment)
    assert (described["name"], described["experiment_id"]) == ("Mine", experiment.name)
    runs = {meta_of(folder)["run_name"]: folder for folder in experiment.iterdir()
            if folder.is_dir()}  # fmt: skip
    assert set(runs) == {"teacher", "fast", "packed & small", "bits", REPORT_RUN}
    fast = runs["fast"]
    assert {path.name for path in fast.iterdir()} == {
        "meta.yaml", "artifacts", "metrics", "params", "tags",
    }  # fmt: skip
    described = meta_of(fast)
    assert described["run_id"] == described["run_uuid"] == fast.name
    assert described["artifact_uri"] == (fast / "artifacts").as_uri()
    lines = (fast / "metrics" / "error_percent" / "training").read_text("utf-8").splitlines()
    assert [line.split()[1:] for line in lines] == [["50.0", "1"], ["30.0", "2"], ["20.0", "3"]]
    assert (fast / "params" / "verdict").read_text("utf-8") == "Proved"
    assert "Test CPU" in (fast / "tags" / "machine").read_text("utf-8")
    pictures = {path.name for path in (runs[REPORT_RUN] / "artifacts" / "charts").iterdir()}
    assert {"pareto.png", "bars.png"} <= pictures
