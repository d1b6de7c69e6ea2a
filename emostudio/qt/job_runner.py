"""A worker process and the lines that go to and from it."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from emostudio.core.events import TERMINAL_EVENTS, Event, Failed, parse_event
from emostudio.core.jobs import Job

ASK_MS = 5_000
"""How long a job may take to obey cancel before its process is terminated."""

TERMINATE_MS = 2_000
"""How long the process may take to end after that before it is killed."""

SPARE = "--spare"
"""Argument of a worker that is started before there is a job for it."""

_STDERR_LINES = 40
_NICE = 5
_IS_WINDOWS = sys.platform == "win32"


def worker_command() -> tuple[str, list[str]]:
    """Return program and arguments that start a worker, frozen builds included."""
    if getattr(sys, "frozen", False):
        return sys.executable, ["--worker"]
    return sys.executable, ["-m", "emostudio.worker"]


class JobRunner(QObject):
    """Runs jobs in one child process and turns its lines into events.

    Every job ends with exactly one terminal event, also when the process dies.

    Signals
    -------
    event_received
        Id of the job and the event.
    job_ended
        Id of the job and its terminal event; emitted after `event_received`.
    process_died
        The process ended while jobs were running; why, in words.
    process_ended
        The process is gone, whatever the reason.
    """

    event_received = Signal(str, object)
    job_ended = Signal(str, object)
    process_died = Signal(str)
    process_ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open: set[str] = set()
        self._buffer = bytearray()
        self._errors: deque[str] = deque(maxlen=_STDERR_LINES)
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("PYTHONUTF8", "1")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._ladder = QTimer(self)
        self._ladder.setSingleShot(True)
        self._ladder.timeout.connect(self._climb)

    @property
    def is_alive(self) -> bool:
        """Whether the process is starting or running."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def pid(self) -> int:
        """Return the process id, 0 while there is none."""
        return int(self._process.processId())

    def warm_up(self, *, is_spare: bool = False) -> None:
        """Start the process if there is none, so that its imports are done before a job comes.

        A spare imports more, and gives way to everything else while it does.
        """
        if not self.is_alive:
            self._buffer.clear()
            self._errors.clear()
            program, arguments = worker_command()
            self._process.start(program, [*arguments, SPARE] if is_spare else arguments)

    def run(self, job_id: str, job: Job, workspace: Path, run: str | None = None) -> None:
        """Give the process a job; `run` is the id of its run, None for questions."""
        self.warm_up()
        self._open.add(job_id)
        document = {
            "command": "run",
            "id": job_id,
            "job": job.model_dump(mode="json"),
            "workspace": str(workspace),
            "run": run,
        }
        self._send(document)

    def step_back(self) -> None:
        """Let the window and others go first: a job on all cores must not make it stutter."""
        with suppress(psutil.Error, OSError):
            process = psutil.Process(self.pid)
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if _IS_WINDOWS else _NICE)

    def pause(self, job_id: str) -> None:
        """Ask the job to stand still."""
        self._send({"command": "pause", "id": job_id})

    def resume(self, job_id: str) -> None:
        """Ask the job to go on."""
        self._send({"command": "resume", "id": job_id})

    def checkpoint(self, job_id: str) -> None:
        """Ask the job to save a checkpoint now."""
        self._send({"command": "checkpoint", "id": job_id})

    def cancel(self, job_id: str, patience_ms: int | None = None) -> None:
        """Ask the job to stop; when it does not, terminate and then kill the process.

        Parameters
        ----------
        job_id
            What `run` was given.
        patience_ms
            How long it may take to stop; `ASK_MS` if not given.
        """
        if job_id in self._open:
            self._send({"command": "cancel", "id": job_id})
            if not self._ladder.isActive():
                self._ladder.start(ASK_MS if patience_ms is None else patience_ms)

    def close(self) -> None:
        """Let the process end by closing its input; unfinished jobs save what they can."""
        self._process.closeWriteChannel()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def wait(self, milliseconds: int) -> bool:
        """Wait for the process to be gone; for the moment the window closes, nothing else."""
        return not self.is_alive or self._process.waitForFinished(milliseconds)

    def last_errors(self) -> str:
        """Return the last lines the process wrote to its log."""
        return "\n".join(self._errors)

    def _send(self, document: Mapping[str, object]) -> None:
        self._process.write(json.dumps(document).encode() + b"\n")

    def _climb(self) -> None:
        if not self.is_alive or not self._open:
            return
        self._process.terminate()
        deaf = frozenset(self._open)
        QTimer.singleShot(TERMINATE_MS, self, lambda: self._kill_if_deaf(deaf))

    def _kill_if_deaf(self, deaf: frozenset[str]) -> None:
        if self.is_alive and deaf & self._open:  # a job that came later is not to blame
            self._process.kill()

    def _read(self) -> None:
        self._buffer += self._process.readAllStandardOutput().data()
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            if line.strip():
                self._accept(bytes(line))

    def _accept(self, line: bytes) -> None:
        try:
            document = json.loads(line)
            job_id = str(document["id"])
            event = parse_event(json.dumps(document["event"]))
        except (ValueError, KeyError, TypeError, ValidationError):
            self._errors.append(f"Not understood: {line[:200].decode(errors='replace')}")
            return
        self._deliver(job_id, event)

    def _deliver(self, job_id: str, event: Event) -> None:
        if job_id not in self._open:
            return
        is_last = isinstance(event, TERMINAL_EVENTS)
        if is_last:
            self._open.discard(job_id)
            if not self._open:
                self._ladder.stop()
        self.event_received.emit(job_id, event)
        if is_last:
            self.job_ended.emit(job_id, event)

    def _read_errors(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        self._errors.extend(text.splitlines())

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._fail_all("The worker process could not be started", self._process.errorString())

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        self._ladder.stop()
        if self._open:
            self._fail_all("The worker process ended before the job did", _why(code, status))
        self.process_ended.emit()

    def _fail_all(self, what: str, why: str) -> None:
        failed = Failed(
            what=what,
            why=why,
            next_step="Resume the job; it goes on from its last checkpoint",
            details=self.last_errors(),
        )
        self.process_died.emit(why)
        for job_id in sorted(self._open):
            self._deliver(job_id, failed)


def _why(code: int, status: QProcess.ExitStatus) -> str:
    if code in {9, 137, -9}:
        return "the system stopped it, probably because memory ran out; try a smaller batch"
    if status == QProcess.ExitStatus.CrashExit:
        return f"it crashed (signal or code {code})"
    return f"it ended with code {code}"
