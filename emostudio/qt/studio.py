"""All a page needs: the workspace, the engine's answers, the job queue, and what changed."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from emostudio.core.answers import CatalogueAnswer, DoctorReport
from emostudio.core.events import Event, Failed, Finished, VariantSaved
from emostudio.core.jobs import DescribeJob, DoctorJob, Job, LiveJob
from emostudio.qt.job_queue import JobQueue
from emostudio.qt.job_runner import JobRunner
from emostudio.qt.live_feed import LiveFeed
from emostudio.qt.questions import OnAnswer, OnError, Questions
from emostudio.qt.spare_worker import SpareWorker
from emostudio.workspace.records import RunRecord, UserSettings
from emostudio.workspace.recovery import recover
from emostudio.workspace.store import Workspace

POLL_MS = 1_000
"""How often the workspace is asked whether another process wrote to it."""


class Studio(QObject):
    """The one object that pages hold.

    Signals
    -------
    catalogue_ready
        `catalogue` holds methods, architectures, engines and readers with their settings.
    doctor_ready
        `doctor` holds the report on this machine.
    engine_failed
        The engine could not answer at start; a `core.events.Failed`.
    runs_changed, models_changed, datasets_changed
        Read the workspace again.
    run_event
        Run id and event of the job that runs.
    queue_held
        Workers died again and again; why.
    live_changed
        A live view started (True) or ended (False); the camera mark follows it.
    settings_changed
        `settings()` has new values.
    """

    catalogue_ready = Signal()
    doctor_ready = Signal()
    engine_failed = Signal(object)
    runs_changed = Signal()
    models_changed = Signal()
    datasets_changed = Signal()
    run_event = Signal(str, object)
    queue_held = Signal(str)
    live_changed = Signal(bool)
    settings_changed = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.catalogue: CatalogueAnswer | None = None
        self.doctor: DoctorReport | None = None
        self.live_job: LiveJob | None = None
        self._settings = workspace.settings()
        self.questions = Questions(workspace.folder, self)
        self._spare = SpareWorker(self)
        self.queue = JobQueue(workspace, self, self._spare.take)
        self.queue.runs_changed.connect(self._on_runs_changed)
        self.queue.run_event.connect(self._on_run_event)
        self.queue.held.connect(self.queue_held)
        self._live: JobRunner | None = None
        self._token = workspace.change_token()
        self._models, self._datasets = self._models_stamp(), self._datasets_stamp()
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self.refresh)

    def start(self) -> tuple[str, ...]:
        """Begin: recover lost runs, ask for the catalogue; returns the ids of runs to resume.

        Call it once the window is shown: the engine's imports take seconds.
        """
        lost = recover(self.workspace)
        self._poll.start()
        self.ask(DescribeJob(), self._on_catalogue, self.engine_failed.emit)
        self.ask_doctor()
        self._spare.wanted_soon()
        return tuple(run.id if isinstance(run, RunRecord) else str(run) for run in lost)

    def ask(self, job: Job, on_answer: OnAnswer, on_error: OnError | None = None) -> str:
        """Ask the engine something short; returns a key for `forget`.

        `on_answer` gets the answer as a dict (validate it with its `core.answers` model),
        `on_error` a `core.events.Failed`. Both run in the window's thread.
        """
        return self.questions.ask(job, on_answer, on_error)

    def forget(self, key: str) -> None:
        """Drop a question, asked with `ask`, whose answer nobody needs any more."""
        self.questions.forget(key)

    def ask_doctor(self) -> None:
        """Ask for the report on this machine again; `doctor_ready` follows."""
        self.ask(DoctorJob(), self._on_doctor, None)

    def submit(self, job: Job, title: str = "") -> str:
        """Queue a job that gets a run; returns the run's id."""
        return self.queue.submit(job, title or job.titled(self.titles()))

    def titles(self) -> dict[str, str]:
        """Return the titles of methods and architectures by key; none before the catalogue."""
        found = self.catalogue
        entries = (*found.architectures, *found.methods) if found is not None else ()
        return {entry.key: entry.title for entry in entries}

    def pause(self, run_id: str) -> None:
        """Let a running job stand still after its current step."""
        self.queue.pause(run_id)

    def resume(self, run_id: str) -> None:
        """Let a paused job go on, or take up one that ended early."""
        self.queue.resume(run_id)

    def cancel(self, run_id: str) -> None:
        """Stop a job; what it saved is kept."""
        self.queue.cancel(run_id)

    def start_live(self, job: LiveJob) -> LiveFeed:
        """Start a live view in its own process; an earlier one is killed."""
        self.kill_live()
        runner, feed = self._spare.take(self), LiveFeed(self)
        self._live = runner
        self.live_job = job
        runner.event_received.connect(lambda _id, event: feed.accept(event))
        runner.job_ended.connect(lambda _id, _event: self._on_live_ended(runner))
        feed.stop_requested.connect(lambda: runner.cancel("live"))
        feed.kill_requested.connect(runner.kill)
        runner.process_ended.connect(runner.deleteLater)
        runner.run("live", job, self.workspace.folder)
        self.live_changed.emit(True)  # noqa: FBT003 - a signal's only argument
        return feed

    def kill_live(self) -> None:
        """End a live view at once, so that the camera is dark."""
        if self._live is not None:
            self._live.kill()

    def open_window(self, folder: Path) -> bool:
        """Open another workspace in a window (and process) of its own."""
        frozen = getattr(sys, "frozen", False)
        arguments = [] if frozen else ["-m", "emostudio.app"]
        started = QProcess.startDetached(sys.executable, [*arguments, str(folder)])
        return bool(started[0] if isinstance(started, tuple) else started)

    @property
    def is_live(self) -> bool:
        """Whether a live view runs."""
        return self._live is not None

    def settings(self) -> UserSettings:
        """Return the user's choices."""
        return self._settings

    def save_settings(self, settings: UserSettings) -> None:
        """Keep the user's choices; `settings_changed` follows."""
        self._settings = settings
        self.workspace.save_settings(settings)
        self.settings_changed.emit()

    def refresh(self) -> None:
        """Tell the pages if anything in the workspace changed."""
        token = self.workspace.change_token()
        if token == self._token:
            return
        self._token = token
        self.runs_changed.emit()
        # A training run writes its progress every second; models and datasets change far less.
        models, datasets = self._models_stamp(), self._datasets_stamp()
        if models != self._models:
            self._models = models
            self.models_changed.emit()
        if datasets != self._datasets:
            self._datasets = datasets
            self.datasets_changed.emit()

    def close(self, *, milliseconds: int = 8_000) -> None:
        """End all processes for the window to close; running jobs save a checkpoint first."""
        self._poll.stop()
        self.kill_live()
        self.queue.stop_and_save(milliseconds)
        self.questions.close(milliseconds)
        self._spare.close(milliseconds)
        if self._live is not None:
            self._live.wait(milliseconds)

    def _models_stamp(self) -> int:
        return _stamp(self.workspace.models_folder)

    def _datasets_stamp(self) -> int:
        folder = self.workspace.datasets_folder
        return sum(_stamp(child) for child in (folder, *folder.iterdir()))

    def _on_runs_changed(self) -> None:
        self._token = self.workspace.change_token()
        self._plan_spare()
        self.runs_changed.emit()

    def _plan_spare(self) -> None:
        if self.queue.is_idle and not self.is_live:
            self._spare.wanted_soon()
        else:
            self._spare.not_now()

    def _on_run_event(self, run_id: str, event: Event) -> None:
        self.run_event.emit(run_id, event)
        if isinstance(event, VariantSaved | Finished):
            self.models_changed.emit()
            self.datasets_changed.emit()

    def _on_catalogue(self, answer: dict[str, object]) -> None:
        try:
            self.catalogue = CatalogueAnswer.model_validate(answer)
        except ValidationError as error:
            self.engine_failed.emit(
                Failed(what="The engine's catalogue is damaged", why=str(error))
            )
            return
        self.catalogue_ready.emit()

    def _on_doctor(self, answer: dict[str, object]) -> None:
        self.doctor = DoctorReport.model_validate(answer)
        self.doctor_ready.emit()

    def _on_live_ended(self, runner: JobRunner) -> None:
        runner.close()
        if self._live is runner:
            self._live = None
            self.live_job = None
            self._plan_spare()
            self.live_changed.emit(False)  # noqa: FBT003 - a signal's only argument


def _stamp(path: Path) -> int:
    # Records are written by renaming, which changes the folder they lie in.
    return path.stat().st_mtime_ns if path.exists() else 0
