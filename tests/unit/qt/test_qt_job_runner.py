from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from emostudio.core.events import Cancelled, EpochDone, Failed, Finished
from emostudio.core.jobs import DescribeJob, TrainJob
from emostudio.qt import job_runner
from emostudio.qt.job_runner import JobRunner

FAKE_WORKER = Path(__file__).parents[2] / "gui" / "fake_worker.py"


def train(epochs: int = 2, name: str | None = None) -> TrainJob:
    return TrainJob(architecture="tiny", data="faces", training={"epochs": epochs}, name=name)


@pytest.fixture
def runner(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobRunner]:
    monkeypatch.setattr(job_runner, "worker_command", lambda: (sys.executable, [str(FAKE_WORKER)]))
    made = JobRunner()
    yield made
    made.kill()
    made.wait(2_000)


def test_a_question_is_answered_and_the_process_stays_warm(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path
) -> None:
    with qtbot.waitSignal(runner.job_ended, timeout=20_000) as ended:
        runner.run("q1", DescribeJob(), tmp_path)
    assert isinstance(ended.args[1], Finished)
    assert runner.is_alive


def test_events_arrive_in_order_and_end_with_one_terminal_event(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path
) -> None:
    seen: list[object] = []
    runner.event_received.connect(lambda _id, event: seen.append(event))
    with qtbot.waitSignal(runner.job_ended, timeout=20_000):
        runner.run("r1", train(3), tmp_path, "r1")
    assert [event.epoch for event in seen if isinstance(event, EpochDone)] == [1, 2, 3]
    assert isinstance(seen[-1], Finished)
    assert len(seen) == 4


def test_a_paused_job_stands_still_until_it_is_cancelled(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path
) -> None:
    with qtbot.waitSignal(runner.event_received, timeout=20_000):
        runner.run("r1", train(100_000), tmp_path, "r1")
    runner.pause("r1")
    qtbot.wait(200)
    seen: list[object] = []
    runner.event_received.connect(lambda _id, event: seen.append(event))
    qtbot.wait(200)
    assert seen == []
    with qtbot.waitSignal(runner.job_ended, timeout=5_000) as ended:
        runner.cancel("r1")
    assert isinstance(ended.args[1], Cancelled)


def test_a_dying_process_ends_its_job_with_a_failure_that_says_why(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path
) -> None:
    with qtbot.waitSignal(runner.job_ended, timeout=20_000) as ended:
        runner.run("r1", train(name="die"), tmp_path, "r1")
    failed = ended.args[1]
    assert isinstance(failed, Failed)
    assert "memory" in failed.why
    assert "Resume" in failed.next_step


def test_a_worker_deaf_to_cancel_is_terminated(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = tmp_path / "deaf.py"
    deaf.write_text("import time\nwhile True: time.sleep(1)\n")
    monkeypatch.setattr(job_runner, "worker_command", lambda: (sys.executable, [str(deaf)]))
    monkeypatch.setattr(job_runner, "ASK_MS", 50)
    monkeypatch.setattr(job_runner, "TERMINATE_MS", 50)
    runner.run("r1", train(), tmp_path, "r1")
    qtbot.waitUntil(lambda: runner.pid > 0)
    with qtbot.waitSignal(runner.job_ended, timeout=10_000) as ended:
        runner.cancel("r1")
    assert isinstance(ended.args[1], Failed)


def test_lines_that_are_no_events_are_kept_for_the_log(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = tmp_path / "noisy.py"
    noisy.write_text("print('not json', flush=True)\n")
    monkeypatch.setattr(job_runner, "worker_command", lambda: (sys.executable, [str(noisy)]))
    with qtbot.waitSignal(runner.job_ended, timeout=20_000):
        runner.run("r1", train(), tmp_path, "r1")
    assert "not json" in runner.last_errors()
