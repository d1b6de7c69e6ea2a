"""The window dies in the middle of a training: nothing is left running, nothing is lost."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from PySide6.QtWidgets import QPushButton

from emostudio.core.jobs import JobStatus, TrainJob
from emostudio.gui.main_window import MainWindow
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.records import UserSettings
from emostudio.workspace.store import Workspace

PATIENCE_MS = 60_000
WORKER_END_S = 6.0
EPOCHS = 24
EPOCH_LINE = '"type":"epoch"'

WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from emostudio.core.jobs import JOB_ADAPTER
from emostudio.gui.main_window import open_window
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.store import Workspace

app = QApplication(sys.argv[:1])
theme().install(app)
studio = Studio(Workspace.open(Path(sys.argv[1])))
window = open_window(studio)
job = JOB_ADAPTER.validate_json(sys.argv[2])
QTimer.singleShot(100, window, lambda: studio.submit(job, "tiny"))
app.exec()
"""

JOB = TrainJob(
    architecture="vgg_s_lite",
    architecture_settings={"input_size": 24, "channels": 1, "width": 0.125, "dense_width": 16},
    data="synthetic:identities=4,size=24,cameras=090,gazes=frontal",
    training={
        "epochs": EPOCHS, "batch_size": 8, "checkpoint_s": 0.0, "early_stop_patience": 0,
    },
    name="tiny",
)  # fmt: skip


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def epochs_done(folder):
    files = folder.glob("runs/*/events.jsonl")
    return sum(file.read_text().count(EPOCH_LINE) for file in files)


@pytest.fixture
def folder(tmp_path):
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.save_settings(UserSettings(threads=1, device="cpu"))
    return tmp_path / "ws"


@pytest.fixture
def killed(folder):
    """Kill a real window in the middle of a training; its worker processes at that moment."""
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(folder), JOB.model_dump_json()],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        wait_for(lambda: epochs_done(folder) >= 2, 60)
        workers = psutil.Process(window.pid).children(recursive=True)
    finally:
        window.kill()
        window.wait()
    return workers


def test_a_training_survives_the_death_of_its_window(qtbot, qapp, folder, killed):
    assert killed, "no worker was running"
    _, alive = psutil.wait_procs(killed, timeout=WORKER_END_S)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    theme().install(qapp)
    with Workspace.open(folder) as workspace:
        (run,) = workspace.runs()
        assert run.status != JobStatus.DONE
        studio = Studio(workspace)
        window = MainWindow(studio)
        qtbot.addWidget(window)
        window.show()
        try:
            window.start()
            assert workspace.run(run.id).can_resume
            assert "One job was interrupted." in window.notice.text()
            resume = next(b for b in window.notice.findChildren(QPushButton) if b.isVisible())
            resume.click()
            qtbot.waitUntil(
                lambda: workspace.run(run.id).status == JobStatus.DONE, timeout=PATIENCE_MS
            )
            epochs = [e.epoch for e in workspace.events(run.id, 0)[0] if e.type == "epoch"]
            assert epochs[-1] == EPOCHS
            assert epochs.count(1) == 1, "it began again instead of going on"
            assert workspace.model("tiny").file.is_file()
        finally:
            studio.close()
