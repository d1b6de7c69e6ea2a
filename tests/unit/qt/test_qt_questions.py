from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from emostudio.core.jobs import DescribeJob
from emostudio.qt import job_runner
from emostudio.qt.questions import Questions

SLOW_TO_START = """
import json, sys, time
time.sleep(0.6)
for line in sys.stdin:
    command = json.loads(line)
    if command["command"] == "run":
        event = {"type": "finished", "result": {"by": "the same process"}}
        print(json.dumps({"id": command["id"], "event": event}), flush=True)
"""


def test_a_question_forgotten_while_the_worker_starts_does_not_cost_the_worker(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "slow.py"
    worker.write_text(SLOW_TO_START)
    monkeypatch.setattr(job_runner, "worker_command", lambda: (sys.executable, [str(worker)]))
    monkeypatch.setattr(job_runner, "ASK_MS", 50)
    monkeypatch.setattr(job_runner, "TERMINATE_MS", 50)
    questions = Questions(tmp_path)
    answers: list[object] = []
    deaths: list[str] = []
    questions.runner.process_died.connect(deaths.append)
    forgotten = questions.ask(DescribeJob(), answers.append)
    questions.ask(DescribeJob(), answers.append)
    questions.forget(forgotten)
    qtbot.waitUntil(lambda: bool(answers), timeout=20_000)
    questions.close(2_000)
    assert answers == [{"by": "the same process"}]
    assert not deaths
