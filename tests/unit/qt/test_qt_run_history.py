from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emostudio.core.events import EpochDone, Event, StageStarted, StepDone, event_line
from emostudio.core.jobs import TrainJob
from emostudio.qt.run_history import Columns, RunHistory
from emostudio.workspace.store import Workspace


def epoch(number: int, error: float) -> EpochDone:
    return EpochDone(
        epoch=number, epochs=4, train_loss=1.0, train_error=error, validation_loss=1.0,
        validation_error=error, learning_rate=0.1, seconds=1.0,
    )  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> RunHistory:
    workspace = Workspace.open(tmp_path / "w")
    run = workspace.create_run(TrainJob(architecture="tiny", data="faces"))
    return RunHistory(workspace, run.id)


def write(history: RunHistory, events: list[Event]) -> None:
    file = history._workspace.runs_folder / history.run_id / "events.jsonl"
    with file.open("a") as stream:
        stream.writelines(event_line(event) + "\n" for event in events)


def test_columns_keep_all_rows_while_they_grow() -> None:
    columns = Columns("x", "y")
    for number in range(1_000):
        columns.append(number, None if number % 2 else number)
    assert columns["x"].tolist() == list(range(1_000))
    assert np.isnan(columns["y"][1])
    assert columns.last("y") is None


def test_only_new_events_are_read(history: RunHistory) -> None:
    write(history, [epoch(1, 0.5)])
    assert history.read()
    assert not history.read()
    write(history, [epoch(2, 0.25)])
    assert history.read()
    assert history.epochs["validation_error"].tolist() == [50.0, 25.0]


def test_epochs_repeated_by_a_resumed_run_are_counted_once(history: RunHistory) -> None:
    write(history, [epoch(1, 0.5), epoch(2, 0.4), epoch(2, 0.4), epoch(3, 0.3)])
    history.read()
    assert history.epochs["x"].tolist() == [1.0, 2.0, 3.0]


def test_a_second_recipe_step_continues_the_axis(history: RunHistory) -> None:
    first = StageStarted(index=0, count=2, method="a", title="A")
    second = StageStarted(index=1, count=2, method="b", title="B")
    write(history, [first, epoch(1, 0.5), epoch(2, 0.4), second, epoch(1, 0.3)])
    history.read()
    assert history.epochs["x"].tolist() == [1.0, 2.0, 3.0]


def test_best_error_names_its_epoch(history: RunHistory) -> None:
    write(history, [epoch(1, 0.5), epoch(2, 0.2), epoch(3, 0.4)])
    history.read()
    assert history.best_error() == (pytest.approx(20.0), 2)


def test_a_diverged_loss_is_kept_as_it_is(history: RunHistory) -> None:
    write(history, [StepDone(step=1, epoch=1, loss=float("nan"), learning_rate=0.1)])
    history.read()
    assert np.isnan(history.steps["loss"]).all()
    assert history.steps.last("loss") is None
