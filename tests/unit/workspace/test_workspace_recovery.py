import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.jobs import JobStatus, TrainJob
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.workspace.recovery import recover
from emostudio.workspace.store import Workspace

JOB = TrainJob(architecture="cnn_s", data="synthetic")


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def running(workspace, pid, started=None):
    run = workspace.create_run(JOB)
    started = started or datetime.now(UTC)
    return workspace.update_run(run.id, status=JobStatus.RUNNING, pid=pid, started=started)


def test_a_run_whose_process_died_is_lost_and_can_be_resumed(workspace, sleeper):
    run = running(workspace, sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert [lost.id for lost in recover(workspace)] == [run.id]
    after = workspace.run(run.id)
    assert after.status is JobStatus.LOST
    assert after.can_resume
    assert after.pid is None


def test_a_run_whose_process_lives_is_left_alone(workspace, sleeper):
    run = running(workspace, sleeper.pid)
    assert recover(workspace) == ()
    assert workspace.run(run.id).status is JobStatus.RUNNING


def test_a_young_process_with_the_old_number_does_not_count(workspace, sleeper):
    running(workspace, sleeper.pid, datetime.now(UTC) - timedelta(hours=1))
    assert len(recover(workspace)) == 1


def test_a_queued_run_is_not_lost(workspace):
    run = workspace.create_run(JOB)
    assert recover(workspace) == ()
    assert workspace.run(run.id).status is JobStatus.QUEUED


def test_rows_without_files_go_and_files_without_rows_come_in(workspace):
    gone, kept = workspace.create_run(JOB), workspace.create_run(JOB)
    for name in ("vanished", "present"):
        file = workspace.models_folder / f"{name}.safetensors"
        file.write_bytes(b"1")
        info = ModelInfo(
            name=name, architecture="cnn_s", labels=EMOTIONS, preprocessing=Preprocessing()
        )
        workspace.add_model(file, info, role="variant")
    (workspace.models_folder / "vanished.safetensors").unlink()
    (gone.folder / "run.json").unlink()
    gone.folder.rmdir()
    with workspace.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM runs WHERE id = ?", (kept.id,))
        connection.exec_driver_sql("DELETE FROM models WHERE name = 'present'")
    recover(workspace)
    assert [run.id for run in workspace.runs()] == [kept.id]
    assert [model.name for model in workspace.models()] == ["present"]


def test_old_temporary_files_are_swept_and_young_ones_are_not(workspace):
    old, young = (workspace.models_folder / f".x.{age}.part" for age in ("old", "young"))
    for file in (old, young):
        file.write_text("")
    long_ago = time.time() - 86_400
    os.utime(old, (long_ago, long_ago))
    recover(workspace)
    assert not old.exists()
    assert young.exists()


def test_two_processes_cannot_work_on_one_run(workspace, sleeper):
    run = running(workspace, sleeper.pid)
    with pytest.raises(InputError, match="already running"):
        workspace.claim_run(run.id)


def test_claiming_makes_a_run_this_process_s_own(workspace):
    run = workspace.claim_run(workspace.create_run(JOB).id)
    assert run.pid == os.getpid()
    assert run.status is JobStatus.RUNNING


def test_cancelling_a_run_nobody_works_on_is_immediate(workspace):
    run = workspace.create_run(JOB)
    assert workspace.request_cancel(run.id).status is JobStatus.CANCELLED


def test_cancelling_a_run_of_another_process_leaves_it_a_request(workspace, sleeper):
    run = running(workspace, sleeper.pid)
    assert workspace.request_cancel(run.id).status is JobStatus.RUNNING
    assert (run.folder / "cancel.request").exists()
