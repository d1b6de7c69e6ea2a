"""How fast the window opens, and how late its event loop is while a real training job runs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Row, run

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from emostudio.gui.main_window import MainWindow
    from emostudio.qt.studio import Studio

HEARTBEAT_MS = 10
TRAIN_S = 30.0
QUICK_TRAIN_S = 10.0
FIRST_STEP_S = 120.0

_OPEN = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication(sys.argv[:1])
from emostudio.gui.main_window import open_window
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.store import Workspace
theme().install(app)
studio = Studio(Workspace.open(Path(sys.argv[1])))
window = open_window(studio)
app.processEvents()
print(time.time())
print([name for name in ("torch", "cv2", "numba", "onnxruntime") if name in sys.modules])
studio.close()
"""


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Open the window several times, then train behind an open one."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="emostudio-bench-") as folder:
        times = sorted(_open_once(Path(folder)) for _ in range(3 if arguments.quick else 7))
        seconds = QUICK_TRAIN_S if arguments.quick else TRAIN_S
        idle, lateness = _lateness_ms(Path(folder), seconds)
    middle = times[len(times) // 2]
    return [
        Row("first window, median", middle, "s", (times[0], times[-1])),
        Row("event loop late, nothing to do, p99", idle[int(0.99 * (len(idle) - 1))], "ms"),
        Row("event loop late, nothing to do, most", idle[-1], "ms"),
        Row("heartbeats while training", float(len(lateness)), "beats"),
        Row("event loop late, training, p50", lateness[len(lateness) // 2], "ms"),
        Row("event loop late, training, p99", lateness[int(0.99 * (len(lateness) - 1))], "ms"),
        Row("event loop late, training, most", lateness[-1], "ms"),
    ]


def _open_once(folder: Path) -> float:
    """Return the time from starting the process to its painted window."""
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(folder / "workspace")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "EMOSTUDIO_STATE": str(folder / "state")},
    )
    painted, loaded = done.stdout.strip().splitlines()
    if json.loads(loaded.replace("'", '"')):
        raise SystemExit(f"the window loaded {loaded}")
    return float(painted) - started


def _lateness_ms(folder: Path, seconds: float) -> tuple[list[float], list[float]]:
    """Return by how much each heartbeat came late: with nothing to do, and while a job trains.

    The first is what the machine itself does to any program; only what the second has on top
    comes from the job and the live curves.
    """
    os.environ["EMOSTUDIO_STATE"] = str(folder / "state")
    from PySide6.QtWidgets import QApplication

    from emostudio.gui.main_window import open_window
    from emostudio.gui.theme import theme
    from emostudio.qt.studio import Studio
    from emostudio.workspace.store import Workspace

    app = QApplication(sys.argv[:1])
    theme().install(app)
    studio = Studio(Workspace.open(folder / "workspace"))
    window = open_window(studio)
    deadline = time.monotonic() + FIRST_STEP_S
    while studio.doctor is None and time.monotonic() < deadline:
        app.processEvents()
        time.sleep(0.01)
    idle = _beats(app, seconds / 2)
    run_training(app, studio, window)
    late = _beats(app, seconds)
    studio.close()
    return idle, late


def _beats(app: QApplication, seconds: float) -> list[float]:
    from PySide6.QtCore import Qt, QTimer

    late: list[float] = []
    last = [time.perf_counter()]

    def beat() -> None:
        now = time.perf_counter()
        late.append(max(0.0, 1e3 * (now - last[0]) - HEARTBEAT_MS))
        last[0] = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    # Not quit: it would ask the window, and the window would ask the user about the job.
    QTimer.singleShot(round(1e3 * seconds), lambda: app.exit(0))
    timer.start(HEARTBEAT_MS)
    app.exec()
    timer.stop()
    return sorted(late)


def run_training(app: QApplication, studio: Studio, window: MainWindow) -> None:
    """Start a training job on the jobs page and return at its first optimiser step."""
    from emostudio.core.events import EpochDone, StepDone
    from emostudio.core.jobs import TrainJob

    job = TrainJob(
        architecture="vgg_s_lite",
        architecture_settings={"input_size": 48, "width": 0.25, "dense_width": 64},
        data="synthetic:identities=12,size=48",
        training={"epochs": 10_000},
    )
    window.go("jobs", studio.submit(job, "Training behind the window"))
    trained: list[bool] = []
    studio.run_event.connect(
        lambda _id, event: trained.append(True) if isinstance(event, StepDone | EpochDone) else 0
    )
    deadline = time.monotonic() + FIRST_STEP_S
    while not trained and time.monotonic() < deadline:
        app.processEvents()
        time.sleep(0.01)
    if not trained:
        raise SystemExit("the training job never began")


if __name__ == "__main__":
    run("window", __doc__, measure)
