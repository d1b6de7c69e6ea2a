"""What a run leaves behind while it runs: events, log lines, status and progress."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from emostudio.core.events import (
    Cancelled,
    CheckpointSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    LiveFrame,
    Note,
    Progress,
    StageStarted,
    VariantSaved,
    event_line,
)
from emostudio.core.jobs import JobStatus
from emostudio.worker.control import JobControl
from emostudio.workspace.folders import EVENTS_FILE
from emostudio.workspace.store import Workspace

LOG_FILE = "log.txt"
_PROGRESS_EVERY_S = 1.0
_WINDOW_GONE = "The window was closed while the job ran. Resume it to go on."
_STATUS_OF = {
    Finished: JobStatus.DONE,
    Cancelled: JobStatus.CANCELLED,
    Failed: JobStatus.FAILED,
}


class Journal:
    """Writes one run's ``events.jsonl``, ``log.txt``, ``run.json`` and catalogue row."""

    def __init__(self, workspace: Workspace, run_id: str, control: JobControl) -> None:
        self._workspace = workspace
        self._control = control
        self._run_id = run_id
        folder = workspace.runs_folder / run_id
        self._events = _open_at_line_start(folder / EVENTS_FILE)
        self._log = (folder / LOG_FILE).open("a", encoding="utf-8")
        self._next_progress_s = 0.0

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._events.close()
        self._log.close()

    def write(self, event: Event) -> None:
        """Keep one event; a terminal one also settles the run's status."""
        if isinstance(event, LiveFrame):
            return
        if not isinstance(event, Progress):
            self._events.write(event_line(event).encode() + b"\n")
            self._events.flush()
        self._write_log(event)
        if isinstance(event, Finished | Cancelled | Failed):
            self.settle(event)
        elif isinstance(event, VariantSaved):
            self._add_model(event.model)
        else:
            self._note_progress(event)

    def settle(self, event: Finished | Cancelled | Failed) -> None:
        """Write the final status."""
        fields: dict[str, Any] = {
            "status": _STATUS_OF[type(event)],
            "ended": datetime.now(UTC),
            "pid": None,
            "seconds_left": None,
            "error": _message(event) if isinstance(event, Failed) else "",
        }
        if isinstance(event, Cancelled) and self._control.window_gone:
            fields |= {"status": JobStatus.LOST, "error": _WINDOW_GONE}
        if isinstance(event, Finished):
            fields |= {"result": event.result, "fraction": 1.0, "message": ""}
        self._workspace.update_run(self._run_id, **fields)

    def note_pause(self, is_paused: bool) -> None:
        """Write a change between running and paused."""
        status = JobStatus.PAUSED if is_paused else JobStatus.RUNNING
        self._workspace.update_run(self._run_id, status=status)

    def _add_model(self, name: str) -> None:
        known = self._workspace.run(self._run_id).models
        if name not in known:
            self._workspace.update_run(self._run_id, models=(*known, name))

    def _note_progress(self, event: Event) -> None:
        progress = _progress_of(event)
        if progress is None:
            return
        now_s = time.monotonic()
        if now_s < self._next_progress_s:
            return
        self._next_progress_s = now_s + _PROGRESS_EVERY_S
        fields = {
            key: value for key, value in progress.model_dump(exclude={"type"}).items() if value
        }
        if fields:
            self._workspace.update_run(self._run_id, **fields)

    def _write_log(self, event: Event) -> None:
        text = _log_text(event)
        if text:
            self._log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")
            self._log.flush()


def _open_at_line_start(file: Path) -> BinaryIO:
    """Open for appending; half a line left by a crash is ended first."""
    stream = file.open("ab+")
    if stream.seek(0, 2) > 0:
        stream.seek(-1, 2)
        if stream.read(1) != b"\n":
            stream.write(b"\n")
    return stream


def _progress_of(event: Event) -> Progress | None:
    if isinstance(event, Progress):
        return event
    if isinstance(event, EpochDone):
        return Progress(
            message=f"Epoch {event.epoch} of {event.epochs}", seconds_left=event.seconds_left
        )
    if isinstance(event, StageStarted):
        return Progress(message=f"Step {event.index + 1} of {event.count}: {event.title}")
    return None


def _log_text(event: Event) -> str:
    if isinstance(event, Note):
        return f"[{event.level}] {event.text}"
    if isinstance(event, StageStarted):
        return f"Step {event.index + 1} of {event.count}: {event.title}"
    if isinstance(event, CheckpointSaved):
        return f"Checkpoint {Path(event.file).name} after step {event.step}"
    if isinstance(event, VariantSaved):
        return f"Saved {event.model}, {event.disk_bytes} bytes"
    if isinstance(event, EpochDone):
        return f"Epoch {event.epoch} of {event.epochs}: loss {event.train_loss:.4f}"
    if isinstance(event, Failed):
        return f"{_message(event)}\n{event.details}"
    if isinstance(event, Finished | Cancelled):
        return event.type.capitalize()
    return ""


def _message(event: Event) -> str:
    if not isinstance(event, Failed):
        return ""
    text = f"{event.what}: {event.why}." if event.why else f"{event.what}."
    return f"{text} {event.next_step}." if event.next_step else text
