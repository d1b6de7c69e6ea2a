from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emostudio.core.events import (
    EpochDone,
    Finished,
    LayerHealth,
    LayerState,
    Note,
    StageDone,
    event_line,
)  # fmt: skip
from emostudio.core.jobs import JobStatus, ProbeJob, TrainJob
from emostudio.gui.pages.jobs import JobsPage
from emostudio.gui.widgets.log_view import LogView
from emostudio.qt.studio import Studio
from emostudio.workspace.folders import LOG_FILE

Texts = Callable[[object], str]


def train(epochs: int, name: str) -> TrainJob:
    return TrainJob(architecture="tiny", data="faces", training={"epochs": epochs}, name=name)


def shown(qtbot: QtBot, studio: Studio) -> JobsPage:
    page = JobsPage(studio)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    return page


def status(studio: Studio, run_id: str) -> JobStatus:
    return studio.workspace.run(run_id).status


def test_one_job_runs_and_the_next_one_waits(qtbot: QtBot, studio: Studio) -> None:
    first = studio.submit(train(100_000, "first"))
    second = studio.submit(train(2, "second"))
    assert studio.queue.current == first
    assert studio.queue.waiting == (second,)
    studio.cancel(first)
    qtbot.waitUntil(lambda: status(studio, second) == JobStatus.DONE, timeout=20_000)
    assert status(studio, first) == JobStatus.CANCELLED
    assert studio.queue.is_idle


def test_a_waiting_job_can_be_cancelled(qtbot: QtBot, studio: Studio) -> None:
    first = studio.submit(train(100_000, "first"))
    second = studio.submit(train(2, "second"))
    studio.cancel(second)
    assert studio.queue.waiting == ()
    assert status(studio, second) == JobStatus.CANCELLED
    studio.cancel(first)
    qtbot.waitUntil(lambda: studio.queue.is_idle, timeout=20_000)


def test_a_waiting_job_cancelled_outside_the_window_is_not_started(
    qtbot: QtBot, studio: Studio
) -> None:
    first = studio.submit(train(100_000, "first"))
    second = studio.submit(train(2, "second"))
    third = studio.submit(train(2, "third"))
    studio.workspace.request_cancel(second)
    studio.cancel(first)
    qtbot.waitUntil(lambda: status(studio, third) == JobStatus.DONE, timeout=20_000)
    assert status(studio, second) == JobStatus.CANCELLED
    assert studio.queue.is_idle


def test_a_run_whose_process_dies_is_lost_and_can_be_taken_up(qtbot: QtBot, studio: Studio) -> None:
    run_id = studio.submit(train(2, "die"))
    qtbot.waitUntil(lambda: studio.queue.is_idle, timeout=20_000)
    run = studio.workspace.run(run_id)
    assert run.status == JobStatus.LOST
    assert run.can_resume
    assert "memory" in run.error


def test_workers_that_die_again_and_again_hold_the_queue(qtbot: QtBot, studio: Studio) -> None:
    with qtbot.waitSignal(studio.queue_held, timeout=30_000):
        for number in range(5):
            studio.submit(train(2, "die"), f"job {number}")
    assert len(studio.queue.waiting) == 2
    studio.queue.release()
    qtbot.waitUntil(lambda: len(studio.queue.waiting) < 2, timeout=10_000)
    qtbot.waitUntil(lambda: not studio.queue.current, timeout=20_000)


def test_an_empty_queue_says_what_to_do(qtbot: QtBot, studio: Studio, texts: Texts) -> None:
    page = shown(qtbot, studio)
    assert "No job has run yet" in texts(page)
    with qtbot.waitSignal(page.go) as went:
        qtbot.mouseClick(page.findChildren(type(page.pause_button))[-2], Qt.MouseButton.LeftButton)
    assert went.args[0] in {"compress", "data"}


def test_pause_and_resume_change_what_is_offered(
    qtbot: QtBot, studio: Studio, texts: Texts
) -> None:
    run_id = studio.submit(train(100_000, "teacher"))
    page = shown(qtbot, studio)
    page.open(run_id)
    assert page.pause_button.isVisible()
    assert not page.resume_button.isVisible()
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    assert studio.queue.is_paused
    assert page.resume_button.isVisible()
    qtbot.mouseClick(page.resume_button, Qt.MouseButton.LeftButton)
    assert not studio.queue.is_paused
    studio.cancel(run_id)
    qtbot.waitUntil(lambda: studio.queue.is_idle, timeout=20_000)


def test_duplicate_queues_the_same_job_again(qtbot: QtBot, studio: Studio) -> None:
    run_id = studio.submit(train(1, "teacher"))
    qtbot.waitUntil(lambda: studio.queue.is_idle, timeout=20_000)
    page = shown(qtbot, studio)
    page.open(run_id)
    qtbot.mouseClick(page.duplicate_button, Qt.MouseButton.LeftButton)
    runs = studio.workspace.runs()
    assert len(runs) == 2
    assert runs[0].job == runs[1].job
    qtbot.waitUntil(lambda: studio.queue.is_idle, timeout=20_000)


def test_curves_of_chosen_runs_lie_over_each_other(qtbot: QtBot, studio: Studio) -> None:
    ids = []
    for number in range(2):
        run = studio.workspace.create_run(train(1, f"run {number}"))
        event = EpochDone(
            epoch=1, epochs=1, train_loss=1, train_error=0.5, validation_loss=1,
            validation_error=0.25 * (number + 1), learning_rate=0.1, seconds=1,
        )  # fmt: skip
        (run.folder / "events.jsonl").write_text(event_line(event) + "\n")
        studio.workspace.update_run(run.id, status=JobStatus.DONE)
        ids.append(run.id)
    page = shown(qtbot, studio)
    page.refresh()
    page.list.choose(ids)
    qtbot.waitUntil(
        lambda: all(
            i in page.chart.plot.curves() and page.chart.plot.curves()[i].label for i in ids
        ),
        timeout=5_000,
    )
    labels = [page.chart.plot.curves()[i].label for i in ids]
    assert [label.split()[-2] for label in labels] == ["25.0", "50.0"]
    slots = {page.chart.plot.curves()[i].slot for i in ids}
    assert len(slots) == 2


def test_layers_and_steps_of_a_run_are_shown(qtbot: QtBot, studio: Studio, texts: Texts) -> None:
    run = studio.workspace.create_run(train(1, "binary"))
    events = [
        LayerHealth(
            step=50, epoch=1,
            layers=(
                LayerState(name="conv2", flip_rate=0.0, gradient_ratio=1e-3),
                LayerState(name="fc8", gradient_ratio=0.0, is_dead=True),
            ),
        ),
        Note(level="doctor", what="Stuck signs: binary weights of conv2 do not flip"),
        StageDone(index=0, method="bwn", accuracy=0.5, disk_bytes=12, resident_bytes=90_000_000),
    ]  # fmt: skip
    lines = "".join(event_line(event) + "\n" for event in events)
    (run.folder / "events.jsonl").write_text(lines)
    studio.workspace.update_run(run.id, status=JobStatus.DONE)
    page = shown(qtbot, studio)
    page.open(run.id)
    qtbot.waitUntil(lambda: len(page.layers.table.table.rows) == 2, timeout=5_000)
    rows = page.layers.table.table.as_text()
    assert "Signs do not flip" in rows
    assert "Dead: no gradient" in rows
    assert "90.0 MB" in page.ledger.table.table.as_text()
    assert "Stuck signs" in texts(page)
    page.view.chosen.emit("curves")
    page.view.set_current("layers")
    page.view.chosen.emit("layers")
    assert page.layers.isVisible()
    assert not page.chart.isVisible()


def test_the_shares_of_an_ablation_are_shown_under_steps(
    qtbot: QtBot, studio: Studio, texts: Texts
) -> None:
    run = studio.workspace.create_run(train(1, "apart"))
    share = {
        "step": 0, "method": "bwn", "accuracy": -0.0125, "disk_bytes": -1e6, "size_factor": 3.5,
        "latency_ms": None,
    }  # fmt: skip
    line = event_line(Finished(result={"shares": [share]})) + "\n"
    (run.folder / "events.jsonl").write_text(line)
    studio.workspace.update_run(run.id, status=JobStatus.DONE)
    page = shown(qtbot, studio)
    page.open(run.id)
    qtbot.waitUntil(lambda: len(page.ledger.shares.table.rows) == 1, timeout=5_000)
    rows = page.ledger.shares.table.as_text()
    assert "-1.25" in rows
    assert "3.50" in rows


def test_of_a_run_that_trains_nothing_the_log_is_shown(qtbot: QtBot, studio: Studio) -> None:
    trained = studio.workspace.create_run(train(1, "teacher"))
    probed = studio.workspace.create_run(ProbeJob())
    (probed.folder / LOG_FILE).write_text("INT8 convolution\n")
    for run in (trained, probed):
        studio.workspace.update_run(run.id, status=JobStatus.DONE)
    page = shown(qtbot, studio)
    page.open(probed.id)
    assert page.log.isVisible()
    assert "INT8 convolution" in page.log.toPlainText()
    assert not page.chart.isVisible()
    assert not page.view.isVisible()
    page.open(trained.id)
    assert page.chart.isVisible()
    assert page.view.isVisible()
    assert not page.log.isVisible()
    page.list.choose([probed.id, trained.id])
    page._show_chosen()
    assert page.chart.isVisible()


def test_of_a_training_that_had_nothing_left_to_do_the_log_is_shown(
    qtbot: QtBot, studio: Studio
) -> None:
    run = studio.workspace.create_run(train(1, "all of it done before"))
    (run.folder / "events.jsonl").write_text(event_line(Finished()) + "\n")
    (run.folder / LOG_FILE).write_text("Every part was done before\n")
    studio.workspace.update_run(run.id, status=JobStatus.DONE)
    page = shown(qtbot, studio)
    page.open(run.id)
    qtbot.waitUntil(page.log.isVisible, timeout=5_000)
    assert "done before" in page.log.toPlainText()
    assert not page.chart.isVisible()
    assert not page.view.isVisible()


def test_a_growing_log_leaves_its_reader_in_place(qtbot: QtBot) -> None:
    log = LogView()
    qtbot.addWidget(log)
    log.resize(300, 200)
    log.show()
    text = "".join(f"line\u00a0{number}\r\n" for number in range(500))
    log.show_log("run", text)
    bar = log.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    log.show_log("run", text + "more\n")
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    cursor = log.textCursor()
    cursor.movePosition(cursor.MoveOperation.Start)
    cursor.movePosition(cursor.MoveOperation.EndOfWord, cursor.MoveMode.KeepAnchor)
    log.setTextCursor(cursor)
    bar.setValue(10)
    selected = cursor.selectedText()
    assert selected
    for grown in ("more\n", "more\nand more\n"):
        log.show_log("run", text + grown)
    assert bar.value() == 10
    assert log.textCursor().selectedText() == selected
    assert log.toPlainText().endswith("and more\n")
    log.show_log("run", "the end of a long one\n" * 400)
    assert bar.value() == 10
    log.show_log("other", "short")
    assert log.toPlainText() == "short"
