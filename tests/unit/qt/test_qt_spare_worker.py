from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from emostudio.core.events import Finished
from emostudio.core.jobs import DescribeJob
from emostudio.qt import job_runner, spare_worker
from emostudio.qt.spare_worker import SpareWorker

FAKE_WORKER = Path(__file__).parents[2] / "gui" / "fake_worker.py"


@pytest.fixture
def spare(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpareWorker]:
    monkeypatch.setattr(job_runner, "worker_command", lambda: (sys.executable, [str(FAKE_WORKER)]))
    monkeypatch.setattr(spare_worker, "WAIT_MS", 1)
    monkeypatch.setattr(spare_worker, "LEAST_FREE_BYTES", 0)
    made = SpareWorker()
    yield made
    made.close(2_000)


def test_the_spare_process_does_the_next_job(
    qtbot: QtBot, spare: SpareWorker, tmp_path: Path
) -> None:
    spare.wanted_soon()
    qtbot.waitUntil(lambda: spare.pid > 0)
    pid = spare.pid
    parent = QObject()
    runner = spare.take(parent)
    with qtbot.waitSignal(runner.job_ended, timeout=20_000) as ended:
        runner.run("q1", DescribeJob(), tmp_path)
    assert runner.pid == pid
    assert isinstance(ended.args[1], Finished)
    runner.kill()
    runner.wait(2_000)


def test_a_spare_that_died_is_replaced_by_a_fresh_runner(qtbot: QtBot, spare: SpareWorker) -> None:
    spare.wanted_soon()
    qtbot.waitUntil(lambda: spare.pid > 0)
    psutil.Process(spare.pid).kill()
    qtbot.waitUntil(lambda: spare.pid == 0)
    parent = QObject()
    assert not spare.take(parent).is_alive


def test_no_spare_is_started_while_something_runs(qtbot: QtBot, spare: SpareWorker) -> None:
    spare.wanted_soon()
    spare.not_now()
    qtbot.wait(50)
    assert spare.pid == 0


def test_no_spare_is_started_when_memory_is_short(
    qtbot: QtBot, spare: SpareWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare_worker, "LEAST_FREE_BYTES", 2**60)
    spare.wanted_soon()
    qtbot.wait(50)
    assert spare.pid == 0


def test_closing_ends_the_spare(qtbot: QtBot, spare: SpareWorker) -> None:
    spare.wanted_soon()
    qtbot.waitUntil(lambda: spare.pid > 0)
    process = psutil.Process(spare.pid)
    spare.close(2_000)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
