"""Folders for experiment trackers: what a tracker reads there is what was measured."""

import json
import struct
import sys

import pytest

from emostudio.core.errors import InputError
from emostudio.reports.comparison import Extras, build, write
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


def records_of(file):
    """The records of an event file, read as its format is documented."""
    content, place, found = file.read_bytes(), 0, []
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        found.append(content[place + 12 : place + 12 + length])
        place += 16 + length
    assert place == len(content)
    return found


def test_event_files_give_back_every_number(records, tmp_path):
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    out = write(records, tmp_path / "c.tensorboard", extras=EXTRAS)
    folders = {path.name for path in out.iterdir()}
    assert folders == {"teacher", "fast", "packed-small", "bits", "report"}
    (file,) = (out / "fast").iterdir()
    assert "tfevents" in file.name
    first, *rest = [event_pb2.Event.FromString(record) for record in records_of(file)]
    assert first.file_version == "brain.Event:2"
    found = {(v.tag, e.step): v.simple_value for e in rest for v in e.summary.value}
    assert found["error_percent/training", 2] == pytest.approx(30.0)
    assert found["inference_p50_ms", 0] == pytest.approx(2.5)


def test_event_files_hold_the_charts_as_pictures(records, tmp_path):
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    out = write(records, tmp_path / "c.tensorboard", extras=EXTRAS)
    (file,) = (out / "report").iterdir()
    values = [v for r in records_of(file) for v in event_pb2.Event.FromString(r).summary.value]
    images = {v.tag: v.image for v in values if v.HasField("image")}
    assert {"charts/pareto", "charts/bars", "charts/curves"} <= set(images)
    picture = images["charts/pareto"].encoded_image_string
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert (images["charts/pareto"].width, images["charts/pareto"].height) == (width, height)


def test_a_second_export_replaces_the_first(records, tmp_path):
    pytest.importorskip("tensorboardX")
    for _ in range(2):
        out = write(records, tmp_path / "c.tensorboard")
        assert all(len(list(folder.iterdir())) == 1 for folder in out.iterdir())
        out = write(records, tmp_path / "c.mlruns")
        (experiment,) = out.iterdir()
        assert len([path for path in experiment.iterdir() if path.is_dir()]) == 5


def test_without_the_extra_the_user_is_told_what_to_install(records, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX.summary", None)
    with pytest.raises(InputError, match="TensorBoard") as caught:
        write(records, tmp_path / "out" / "c.tensorboard")
    assert "emostudio[tensorboard]" in caught.value.next_step
    assert not (tmp_path / "out").exists()


def meta_of(folder):
    lines = (folder / "meta.yaml").read_text("utf-8").splitlines()
    return {key: json.loads(value) for key, value in (line.split(": ", 1) for line in lines)}


def test_mlflow_folders_are_laid_out_as_its_file_store(records, tmp_path):
    out = write(records, tmp_path / "c.mlruns", title="Mine", extras=EXTRAS)
    (experiment,) = out.iterdir()
    described = meta_of(experiment)
    assert (described["name"], described["experiment_id"]) == ("Mine", experiment.name)
    runs = {meta_of(folder)["run_name"]: folder for folder in experiment.iterdir()
            if folder.is_dir()}  # fmt: skip
    assert set(runs) == {"teacher", "fast", "packed & small", "bits", "report"}
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
    pictures = {path.name for path in (runs["report"] / "artifacts" / "charts").iterdir()}
    assert {"pareto.png", "bars.png"} <= pictures
