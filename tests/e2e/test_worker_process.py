"""The worker process: one run after the other, pause, cancel, crash, nonsense, lost window."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from emostudio.core.events import Cancelled, Failed, Finished
from emostudio.core.jobs import InspectModelJob, JobStatus
from emostudio.models.container import read_arrays
from emostudio.workspace.recovery import recover

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def weights(file):
    return {
        name: array for name, array in read_arrays(Path(file)).items() if not name.startswith("__")
    }


def assert_same_weights(first, second):
    a, b = weights(first), weights(second)
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def kill_and_resume(start, workspace, job, name, after_events):
    """Run a job, kill its worker after so many events, take it up until it is done."""
    run = workspace.create_run(job.model_copy(update={"name": name}))
    kills = 0
    while True:
        worker = start()
        worker.run("r", run.job, run.id)
        left = after_events(kills)
        last = None
        while last is None or not isinstance(last, Finished | Failed):
            line = worker.next()
            assert line is not None
            last = line[1]
            left -= last.type == "step"
            if left <= 0 and not isinstance(last, Finished):
                worker.process.send_signal(signal.SIGKILL)
                worker.process.wait()
                kills += 1
                break
        else:
            worker.close()
            return run, last, kills
        worker.close()
        assert [lost.id for lost in recover(workspace)] == [run.id]
        assert workspace.run(run.id).status is JobStatus.LOST


def test_one_warm_worker_answers_several_requests(start, workspace, tiny_job, whole):
    worker = start()
    worker.run("one", InspectModelJob(model="whole"))
    worker.run("two", InspectModelJob(model="nothing"))
    worker.run("three", InspectModelJob(model=whole))
    answers = [worker.until_end()[-1] for _ in range(3)]
    assert [type(answer) for answer in answers] == [Finished, Failed, Finished]
    assert answers[0].result["parameters"] == answers[2].result["parameters"]
    assert answers[1].exit_code == 2


def test_a_training_run_ends_with_a_model_in_the_workspace(workspace, whole):
    record = workspace.model("whole")
    assert str(record.file) == whole
    assert record.evaluations
    run = workspace.run(record.run)
    assert run.status is JobStatus.DONE
    assert run.models == ("whole",)
    kept, _ = workspace.events(run.id)
    assert [event.type for event in kept].count("epoch") == 6


def test_garbage_lines_get_a_reply_and_do_no_harm(start, whole):
    worker = start()
    for line in (
        b"garbage",
        b"\xff\xfe",
        b"[1, 2]",
        b'{"command": "dance", "id": "x"}',
        b'{"command": "run", "id": "y", "job": {"kind": "train"}, "workspace": "w"}',
        b'{"command": "cancel"}',
    ):
        worker.send(line)
        request_id, event = worker.next()
        assert isinstance(event, Failed)
        assert event.exit_code == 2
        assert request_id in {"", "x", "y"}
    worker.run("after", InspectModelJob(model=whole))
    assert isinstance(worker.until_end()[-1], Finished)


def test_pause_stands_still_and_resume_goes_on_to_the_same_result(
    start, workspace, tiny_job, whole
):
    worker = start()
    run = workspace.create_run(tiny_job.model_copy(update={"name": "paused"}))
    worker.run(run.id, run.job, run.id)
    worker.until("epoch")
    worker.send({"command": "pause", "id": run.id})
    deadline = time.monotonic() + 30
    while workspace.run(run.id).status is not JobStatus.PAUSED:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    standing, _ = workspace.events(run.id)
    worker.send({"command": "checkpoint", "id": run.id})
    time.sleep(0.5)
    assert len(workspace.events(run.id)[0]) == len(standing)
    worker.send({"command": "resume", "id": run.id})
    last = worker.until_end()[-1]
    assert isinstance(last, Finished)
    assert_same_weights(whole, last.result["file"])


def test_cancel_keeps_a_checkpoint_and_the_run_can_be_taken_up(start, workspace, tiny_job, whole):
    worker = start()
    run = workspace.create_run(tiny_job.model_copy(update={"name": "cancelled"}))
    worker.run(run.id, run.job, run.id)
    worker.until("epoch")
    worker.send({"command": "cancel", "id": run.id})
    last = worker.until_end()[-1]
    assert isinstance(last, Cancelled)
    assert "resumed" in last.kept
    assert workspace.run(run.id).status is JobStatus.CANCELLED
    worker.run(run.id, run.job, run.id)
    last = worker.until_end()[-1]
    assert isinstance(last, Finished)
    assert_same_weights(whole, last.result["file"])


def test_a_job_that_waits_behind_another_can_be_cancelled(start, workspace, tiny_job):
    worker = start()
    first = workspace.create_run(tiny_job.model_copy(update={"name": "first"}))
    second = workspace.create_run(tiny_job.model_copy(update={"name": "second"}))
    worker.run(first.id, first.job, first.id)
    worker.run(second.id, second.job, second.id)
    worker.send({"command": "cancel", "id": second.id})
    worker.send({"command": "cancel", "id": first.id})
    assert [type(worker.until_end()[-1]) for _ in range(2)] == [Cancelled, Cancelled]
    assert workspace.run(second.id).status is JobStatus.CANCELLED


def test_a_killed_run_resumes_bit_by_bit(start, workspace, tiny_job, whole):
    run, last, kills = kill_and_resume(
        start, workspace, tiny_job, "killed", lambda kills: (7, 1000)[min(kills, 1)]
    )
    assert kills == 1
    assert_same_weights(whole, last.result["file"])
    assert workspace.run(run.id).status is JobStatus.DONE


@pytest.mark.slow
def test_twenty_kills_lose_nothing(start, workspace, tiny_job, whole):
    chance = random.Random(0)
    killed = 0
    number = 0
    while killed < 20:
        number += 1
        budget = 4

        def after(kills, budget=budget):
            return chance.randint(1, 12) if kills < budget else 10_000

        _, last, kills = kill_and_resume(start, workspace, tiny_job, f"storm-{number}", after)
        assert isinstance(last, Finished)
        assert_same_weights(whole, last.result["file"])
        killed += kills


def test_a_lost_window_ends_the_worker_with_a_checkpoint(start, workspace, tiny_job, whole):
    worker = start()
    run = workspace.create_run(tiny_job.model_copy(update={"name": "orphan"}))
    worker.run(run.id, run.job, run.id)
    worker.until("epoch")
    worker.process.stdin.close()
    began = time.monotonic()
    worker.process.wait(timeout=10)
    assert time.monotonic() - began < 8
    after = workspace.run(run.id)
    assert after.status is JobStatus.LOST
    assert "window" in after.error
    assert any((run.folder / "checkpoints").iterdir())
    worker = start()
    worker.run(run.id, run.job, run.id)
    last = worker.until_end()[-1]
    assert_same_weights(whole, last.result["file"])


def test_a_killed_parent_takes_an_idle_worker_with_it(shared_folder):
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'emostudio.worker'],"
        " stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    import psutil

    parent = psutil.Popen([sys.executable, "-c", script], stdout=-1)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs([child], timeout=30)
    assert alive == []


def test_ctrl_c_in_the_terminal_is_the_window_s_business(start, whole):
    worker = start()
    worker.run("before", InspectModelJob(model=whole))
    assert isinstance(worker.until_end()[-1], Finished)
    os.kill(worker.process.pid, signal.SIGINT)
    worker.run("after", InspectModelJob(model=whole))
    assert isinstance(worker.until_end()[-1], Finished)
