"""A real worker process, spoken to as the window does."""

import json
import os
import queue
import subprocess
import sys
import threading

import pytest

from emostudio.core.events import TERMINAL_EVENTS, Finished, parse_event
from emostudio.core.jobs import TrainJob
from emostudio.workspace.records import UserSettings
from emostudio.workspace.store import Workspace

PATIENCE_S = 120

TINY_JOB = TrainJob(
    architecture="vgg_s_lite",
    architecture_settings={"input_size": 24, "channels": 1, "width": 0.125, "dense_width": 16},
    data="synthetic:identities=6,size=24,cameras=090,gazes=frontal",
    training={"epochs": 6, "batch_size": 8, "checkpoint_s": 0.0, "early_stop_patience": 0},
    name="tiny",
)


class WorkerProcess:
    """Sends lines, collects the lines that come back."""

    def __init__(self, folder):
        self.folder = folder
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self._log = (folder / "worker-stderr.txt").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emostudio.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            document = json.loads(line)
            self._lines.put((document["id"], parse_event(json.dumps(document["event"]))))
        self._lines.put(None)

    def send(self, document):
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.process.stdin.write(content + b"\n")
        self.process.stdin.flush()

    def run(self, request_id, job, run=None):
        self.send(
            {
                "command": "run",
                "id": request_id,
                "job": job.model_dump(mode="json"),
                "workspace": str(self.folder / "ws"),
                "run": run,
            }
        )

    def next(self):
        """Return the next (id, event), None when the process closed its channel."""
        return self._lines.get(timeout=PATIENCE_S)

    def until(self, *kinds):
        """Collect events until one of these kinds; the list ends with it."""
        events = []
        while (line := self.next()) is not None:
            events.append(line[1])
            if line[1].type in kinds:
                return events
        raise AssertionError(f"the worker ended; events: {[event.type for event in events]}")

    def until_end(self):
        return self.until(*(kind.model_fields["type"].default for kind in TERMINAL_EVENTS))

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        self.process.stdin.close()
        self.process.stdout.close()
        self._log.close()


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    """One workspace for a module: the faces are drawn once."""
    folder = tmp_path_factory.mktemp("e2e")
    with Workspace.open(folder / "ws") as workspace:
        workspace.save_settings(UserSettings(threads=1, device="cpu"))
    return folder


@pytest.fixture
def workspace(shared_folder):
    with Workspace.open(shared_folder / "ws") as opened:
        yield opened


@pytest.fixture
def start(shared_folder):
    """Start workers that are gone at the end of the test."""
    workers = []

    def start():
        workers.append(WorkerProcess(shared_folder))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture
def tiny_job():
    return TINY_JOB


@pytest.fixture(scope="module")
def whole(shared_folder):
    """A run that nothing ever stopped; its model file."""
    worker = WorkerProcess(shared_folder)
    try:
        worker.run("whole", TINY_JOB.model_copy(update={"name": "whole"}))
        last = worker.until_end()[-1]
    finally:
        worker.close()
    assert isinstance(last, Finished), last
    return last.result["file"]
