"""One job runs, the rest wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from emostudio.core.errors import InputError
from emostudio.core.events import Cancelled, Event, Failed, Finished
from emostudio.core.jobs import Job, JobStatus
from emostudio.qt.job_runner import JobRunner
from emostudio.workspace.store import Workspace

MOST_DEATHS = 3
DEATH_WINDOW_MS = 60_000


@dataclass
class _Waiting:
    run_id: str
    job: Job


class JobQueue(QObject):
    """Starts jobs one by one, each in a fresh process, and keeps their status.

    Signals
    -------
    run_event
        Id of the run and its event.
    runs_changed
        A run was added, started, stopped, or changed its status.
    held
        Workers died so often that nothing more is started until `release`; why, in words.
    """

    run_event = Signal(str, object)
    runs_changed = Signal()
    held = Signal(str)

    def __init__(
        self,
        workspace: Workspace,
        parent: QObject | None = None,
        make_runner: Callable[[QObject], JobRunner] = JobRunner,
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._make_runner = make_runner
        self._waiting: deque[_Waiting] = deque()
        self._runner: JobRunner | None = None
        self._current = ""
        self._is_held = False
        self._deaths: deque[int] = deque(maxlen=MOST_DEATHS)
        self._clock = QElapsedTimer()
        self._clock.start()
        self._paused = False

    @property
    def current(self) -> str:
        """Return the id of the running or paused run, empty when nothing runs."""
        return self._current

    @property
    def waiting(self) -> tuple[str, ...]:
        """Return the ids of the runs that wait, first first."""
        return tuple(entry.run_id for entry in self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._current and not self._waiting

    @property
    def is_paused(self) -> bool:
        """Whether the current run stands still."""
        return self._paused

    def submit(self, job: Job, title: str) -> str:
        """Record a run and queue it; returns its id."""
        run = self._workspace.create_run(job, title)
        self._enqueue(run.id, job)
        return run.id

    def take_up(self, run_id: str) -> None:
        """Queue a run that ended early; it goes on from its newest checkpoint."""
        run = self._workspace.run(run_id)
        if run_id == self._current or run_id in self.waiting:
            return
        self._workspace.update_run(run_id, status=JobStatus.QUEUED, error="", message="")
        self._enqueue(run_id, run.job)

    def pause(self, run_id: str) -> None:
        """Let a running job stand still after its current step."""
        if self._runner is not None and run_id == self._current and not self._paused:
            self._paused = True
            self._runner.pause(run_id)
            self._runner.checkpoint(run_id)
            self.runs_changed.emit()

    def resume(self, run_id: str) -> None:
        """Let a paused job go on, or take up one that ended early."""
        if self._runner is not None and run_id == self._current:
            self._paused = False
            self._runner.resume(run_id)
            self.runs_changed.emit()
        else:
            self.take_up(run_id)

    def cancel(self, run_id: str) -> None:
        """Stop a job; a running one keeps its newest checkpoint."""
        if self._runner is not None and run_id == self._current:
            self._runner.cancel(run_id)
        elif run_id in self.waiting:
            self._waiting = deque(entry for entry in self._waiting if entry.run_id != run_id)
            self._workspace.update_run(run_id, status=JobStatus.CANCELLED)
            self.runs_changed.emit()

    def release(self) -> None:
        """Start jobs again after the queue was held."""
        self._is_held = False
        self._deaths.clear()
        self._next()

    def stop_and_save(self, milliseconds: int) -> None:
        """End the running job for the window to close; it is taken up at the next start."""
        runner, run_id = self._runner, self._current
        self._is_held = True
        if runner is None:
            return
        runner.job_ended.disconnect(self._on_ended)
        runner.checkpoint(run_id)
        runner.close()
        if not runner.wait(milliseconds):
            runner.kill()
            runner.wait(milliseconds)
        if self._workspace.run(run_id).is_active:
            self._workspace.update_run(run_id, status=JobStatus.LOST, pid=None)
        self._runner, self._current = None, ""

    def _enqueue(self, run_id: str, job: Job) -> None:
        self._waiting.append(_Waiting(run_id, job))
        self.runs_changed.emit()
        self._next()

    def _next(self) -> None:
        if self._current or self._is_held:
            return
        while self._waiting and not self._still_wanted(self._waiting[0]):
            self._waiting.popleft()
        if not self._waiting:
            return
        entry = self._waiting.popleft()
        self._current, self._paused = entry.run_id, False
        runner = self._make_runner(self)
        runner.event_received.connect(self.run_event)
        runner.job_ended.connect(self._on_ended)
        runner.process_died.connect(self._on_died)
        self._runner = runner
        runner.run(entry.run_id, entry.job, self._workspace.folder, entry.run_id)
        if entry.job.gives_way:
            runner.step_back()
        self.runs_changed.emit()

    def _still_wanted(self, entry: _Waiting) -> bool:
        # The command line cancels a waiting run in the catalogue, without a word to this queue.
        try:
            return self._workspace.run(entry.run_id).status is JobStatus.QUEUED
        except InputError:  # deleted since
            return False

    def _on_died(self, why: str) -> None:
        self._deaths.append(self._clock.elapsed())
        error = f"{why[:1].upper()}{why[1:]}."
        self._workspace.update_run(self._current, status=JobStatus.LOST, error=error, pid=None)
        is_full = len(self._deaths) == MOST_DEATHS
        if is_full and self._clock.elapsed() - self._deaths[0] < DEATH_WINDOW_MS:
            self._is_held = True
            self.held.emit(why)

    def _on_ended(self, run_id: str, event: Event) -> None:
        runner, self._runner, self._current = self._runner, None, ""
        if runner is not None:
            runner.process_ended.connect(runner.deleteLater)
            runner.close()
        self._note_end(run_id, event)
        self.runs_changed.emit()
        self._next()

    def _note_end(self, run_id: str, event: Event) -> None:
        # The worker writes the end itself; this covers one that died before it could.
        if not self._workspace.run(run_id).is_active:
            return
        if isinstance(event, Finished):
            self._workspace.update_run(run_id, status=JobStatus.DONE, fraction=1.0)
        elif isinstance(event, Cancelled):
            self._workspace.update_run(run_id, status=JobStatus.CANCELLED)
        elif isinstance(event, Failed):
            self._workspace.update_run(run_id, status=JobStatus.FAILED, error=event.what)
