import json
import sqlite3
import subprocess
import sys

import pytest

from emostudio.core.answers import BenchReport, BenchResult, EvaluationResult, Latency, Ratio
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import EpochDone, Note, event_line
from emostudio.core.jobs import JobStatus, TrainJob
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.workspace.records import UserSettings
from emostudio.workspace.store import Workspace

JOB = TrainJob(architecture="cnn_s", data="synthetic")


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def info(name="net"):
    return ModelInfo(
        name=name, architecture="cnn_s", labels=EMOTIONS, preprocessing=Preprocessing()
    )


def add_model(workspace, name, role="variant", size=10):
    file = workspace.models_folder / f"{name}.safetensors"
    file.write_bytes(b"x" * size)
    return workspace.add_model(file, info(name), role=role)


def evaluation(model, accuracy=0.5):
    return EvaluationResult(
        model=model,
        samples=10,
        accuracy=accuracy,
        accuracy_interval=(0.2, 0.8),
        macro_f1=0.4,
        balanced_accuracy=0.4,
        confusion=((1,),),
        labels=("anger",),
    )


def bench(*names):
    return BenchReport(
        machine={"cpu": "test"},
        results=tuple(
            BenchResult(
                model=name,
                engine="onnxruntime",
                threads=1,
                kernels="real",
                latency_ms=Latency(p50=1.0),
                disk_bytes=1,
                resident_bytes=None,
                parameters=1,
                macs=1,
            )
            for name in names
        ),
        ratios=(Ratio(a=names[-1], b=names[0], ratio=2.0, interval=(1.9, 2.1), verdict="faster"),),
    )


def test_a_run_is_in_its_folder_before_it_is_in_the_catalogue(workspace):
    run = workspace.create_run(JOB, "Train")
    document = json.loads((run.folder / "run.json").read_text())
    assert document["id"] == run.id
    assert workspace.run(run.id) == run
    assert run.status is JobStatus.QUEUED


def test_a_status_change_reaches_the_folder(workspace):
    run = workspace.create_run(JOB)
    workspace.update_run(run.id, status=JobStatus.FAILED, error="no")
    assert json.loads((run.folder / "run.json").read_text())["status"] == "failed"


def test_progress_does_not_rewrite_the_folder(workspace):
    run = workspace.create_run(JOB)
    before = (run.folder / "run.json").read_bytes()
    workspace.update_run(run.id, fraction=0.5, message="half")
    assert (run.folder / "run.json").read_bytes() == before
    assert workspace.run(run.id).fraction == 0.5


def test_an_unknown_field_is_refused(workspace):
    run = workspace.create_run(JOB)
    with pytest.raises(ValueError, match="nonsense"):
        workspace.update_run(run.id, nonsense=1)


def test_unknown_names_raise_input_errors(workspace):
    for ask in (workspace.run, workspace.model, workspace.dataset):
        with pytest.raises(InputError, match="no "):
            ask("nothing")


def test_events_are_read_from_where_the_last_reading_ended(workspace):
    run = workspace.create_run(JOB)
    file = run.folder / "events.jsonl"
    file.write_text(event_line(Note(what="one")) + "\n" + event_line(Note(what="two"))[:9])
    events, place = workspace.events(run.id)
    assert [event.what for event in events] == ["one"]
    epoch = EpochDone(
        epoch=1, epochs=2, train_loss=float("nan"), train_error=0.1, learning_rate=0.1, seconds=1
    )
    file.write_text(event_line(Note(what="one")) + "\n" + event_line(epoch) + "\n")
    events, _ = workspace.events(run.id, place)
    assert [event.type for event in events] == ["epoch"]


def test_a_damaged_event_line_is_passed_over(workspace):
    run = workspace.create_run(JOB)
    (run.folder / "events.jsonl").write_text("garbage\n" + event_line(Note(what="kept")) + "\n")
    assert [event.what for event in workspace.events(run.id)[0]] == ["kept"]


def test_teachers_share_slot_zero_and_variants_count_up(workspace):
    slots = [
        add_model(workspace, "t", "teacher").slot,
        add_model(workspace, "a").slot,
        add_model(workspace, "t2", "teacher").slot,
        add_model(workspace, "b").slot,
    ]
    assert slots == [0, 1, 0, 2]
    assert [model.name for model in workspace.models()] == ["t", "t2", "a", "b"]


def test_a_model_keeps_its_slot_when_others_go_and_when_it_is_saved_again(workspace):
    add_model(workspace, "a")
    add_model(workspace, "b")
    workspace.delete_model("a")
    assert workspace.model("b").slot == 2
    assert add_model(workspace, "b", size=99).slot == 2
    assert workspace.model("b").disk_bytes == 99


def test_a_restored_model_has_its_measurements(workspace):
    add_model(workspace, "a")
    workspace.add_evaluation("a", "faces", "test", evaluation("a"))
    workspace.delete_model("a")
    assert workspace.models() == []
    assert workspace.restore_model("a").evaluations[0].result.accuracy == 0.5


def test_only_files_of_the_models_folder_are_registered(workspace, tmp_path):
    stranger = tmp_path / "x.safetensors"
    stranger.write_bytes(b"1")
    with pytest.raises(InputError, match="is not in"):
        workspace.add_model(stranger, info(), role="teacher")
    with pytest.raises(InputError, match="not a model file"):
        workspace.add_model(workspace.models_folder / "none.onnx", info(), role="teacher")


def test_free_names_avoid_what_is_there(workspace):
    add_model(workspace, "net")
    assert workspace.free_model_name("net") == "net-2"
    assert workspace.free_model_name("new net/..") == "new-net"


def test_measurements_come_newest_first_and_ratios_go_to_their_models(workspace):
    add_model(workspace, "t", "teacher")
    add_model(workspace, "a")
    workspace.add_evaluation("a", "faces", "test", evaluation("a", 0.4))
    workspace.add_evaluation("a", "faces", "test", evaluation("a", 0.6))
    bench_id = workspace.add_bench(bench("t", "a", "unknown"))
    model = workspace.model("a")
    assert [one.result.accuracy for one in model.evaluations] == [0.6, 0.4]
    assert model.benches[0].bench == bench_id
    assert model.benches[0].ratios == ()
    workspace.add_bench(bench("t", "a"))
    assert len(workspace.model("a").benches[0].ratios) == 1


def test_the_catalogue_can_be_rebuilt_from_the_folders(workspace):
    run = workspace.create_run(JOB, "Train")
    add_model(workspace, "t", "teacher")
    add_model(workspace, "a")
    workspace.add_evaluation("a", "faces", "test", evaluation("a"))
    workspace.add_bench(bench("t", "a"))
    (workspace.datasets_folder / "faces").mkdir()
    workspace.add_dataset(
        "faces",
        source="here",
        report={"reader": "folder", "samples": 3, "labels": ["anger"], "counts": {"train": {}}},
    )
    before = (workspace.runs(), workspace.models(), workspace.datasets())
    assert workspace.rebuild() == []
    assert (workspace.runs(), workspace.models(), workspace.datasets()) == before
    assert workspace.run(run.id).title == "Train"


def test_rebuilding_names_what_cannot_be_read(workspace):
    run = workspace.create_run(JOB)
    (run.folder / "run.json").write_text("{")
    add_model(workspace, "a")
    (workspace.models_folder / "a.safetensors").unlink()
    problems = workspace.rebuild()
    assert len(problems) == 2
    assert workspace.runs() == workspace.models() == []


@pytest.mark.parametrize("damage", ["garbage", "half", "flipped"])
def test_a_corrupt_catalogue_is_kept_and_rebuilt(tmp_path, damage):
    folder = tmp_path / "ws"
    with Workspace.open(folder) as workspace:
        run = workspace.create_run(JOB)
        add_model(workspace, "a")
        workspace.database._engine.dispose()
    file = folder / "workspace.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(file.read_bytes())
    if damage == "garbage":
        content = bytearray(b"no database at all" * 1000)
    elif damage == "half":
        content = content[: len(content) // 2]
    else:
        content[:100] = bytes(100)
    file.write_bytes(content)
    with Workspace.open(folder) as workspace:
        assert [one.id for one in workspace.runs()] == [run.id]
        assert [model.name for model in workspace.models()] == ["a"]
        assert "rebuilt" in workspace.notices[0]
    assert (folder / "workspace.db.corrupt").read_bytes() == bytes(content)


def test_a_deleted_catalogue_is_rebuilt(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        run = workspace.create_run(JOB)
    for file in tmp_path.glob("workspace.db*"):
        file.unlink()
    with Workspace.open(tmp_path) as workspace:
        assert workspace.run(run.id).id == run.id


def test_a_newer_workspace_opens_read_only_with_a_message(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        workspace.create_run(JOB)
    with sqlite3.connect(tmp_path / "workspace.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with Workspace.open(tmp_path) as workspace:
        assert "newer" in workspace.read_only
        assert len(workspace.runs()) == 1
        with pytest.raises(EmoStudioError, match="newer"):
            workspace.create_run(JOB)
        with pytest.raises(EmoStudioError, match="newer"):
            workspace.save_settings(UserSettings())


def test_the_token_changes_when_another_connection_writes(workspace):
    before = workspace.change_token()
    assert workspace.change_token() == before
    with Workspace.open(workspace.folder) as other:
        other.create_run(JOB)
    after = workspace.change_token()
    assert after != before
    workspace.save_settings(UserSettings(theme="dark"))
    assert workspace.change_token() != after


def test_settings_survive_and_damaged_ones_fall_back(workspace):
    workspace.save_settings(UserSettings(theme="dark", threads=3))
    assert workspace.settings().threads == 3
    (workspace.folder / "settings.json").write_text("{")
    assert workspace.settings() == UserSettings()


def test_a_file_cannot_be_a_workspace(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be a workspace"):
        Workspace.open(tmp_path / "file")


def test_processes_that_write_at_once_wait_for_each_other(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        run = workspace.create_run(JOB)
    script = (
        "import sys\n"
        "from emostudio.workspace.store import Workspace\n"
        "from emostudio.core.jobs import TrainJob\n"
        "workspace = Workspace.open(sys.argv[1])\n"
        "for number in range(25):\n"
        "    workspace.create_run(TrainJob(architecture='a', data='d'))\n"
        "    workspace.update_run(sys.argv[2], fraction=number / 25)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), run.id]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    with Workspace.open(tmp_path) as workspace:
        assert len(workspace.runs()) == 76


def test_opening_a_workspace_loads_neither_torch_nor_alembic(tmp_path):
    script = (
        "import sys; from emostudio.workspace.store import Workspace;"
        "Workspace.open(sys.argv[1]).close(); Workspace.open(sys.argv[1]).close();"
        "import emostudio.workspace.recovery, emostudio.workspace.wizard_flow;"
        "assert not {'torch', 'cv2', 'alembic', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
