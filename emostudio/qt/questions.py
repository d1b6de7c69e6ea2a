"""Short questions to the engine, answered by one warm worker."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from emostudio.core.events import Event, Failed, Finished, Progress
from emostudio.core.jobs import Job
from emostudio.qt.job_runner import JobRunner

OnAnswer = Callable[[dict[str, Any]], object]
OnError = Callable[[Failed], object]

MOST_DEATHS = 3
DEATH_WINDOW_MS = 60_000
PATIENCE_MS = 30_000
"""A forgotten question may wait for a worker that is starting on a busy machine; killing it then
would only make the next question start another."""


@dataclass
class _Question:
    key: str
    job: Job
    on_answer: OnAnswer
    on_error: OnError | None


class Questions(QObject):
    """Asks one question after the other; a worker that keeps dying is not started again.

    Signals
    -------
    progressed
        Key of the question and its `core.events.Progress`.
    """

    progressed = Signal(str, object)

    def __init__(self, workspace: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._numbers = itertools.count(1)
        self._waiting: deque[_Question] = deque()
        self._current: _Question | None = None
        self._is_closed = False
        self._deaths: deque[int] = deque(maxlen=MOST_DEATHS)
        self._clock = QElapsedTimer()
        self._clock.start()
        self.runner = JobRunner(self)
        self.runner.event_received.connect(self._on_event)
        self.runner.job_ended.connect(self._on_ended)
        self.runner.process_died.connect(self._on_died)

    def ask(self, job: Job, on_answer: OnAnswer, on_error: OnError | None = None) -> str:
        """Queue a question; returns a key for `forget`."""
        if self._is_closed:
            return ""
        question = _Question(f"q{next(self._numbers)}", job, on_answer, on_error)
        self._waiting.append(question)
        self._next()
        return question.key

    def forget(self, key: str) -> None:
        """Drop a question whose answer nobody needs any more."""
        self._waiting = deque(q for q in self._waiting if q.key != key)
        if self._current is not None and self._current.key == key:
            self._current.on_answer = lambda _answer: None
            self._current.on_error = None
            self.runner.cancel(key, PATIENCE_MS)

    @property
    def is_idle(self) -> bool:
        """Whether all questions are answered."""
        return self._current is None and not self._waiting

    def close(self, milliseconds: int) -> None:
        """Drop all questions, this and later ones, and end the worker."""
        self._is_closed = True
        self._waiting.clear()
        self._current = None
        self.runner.close()
        if not self.runner.wait(min(milliseconds, 500)):
            self.runner.kill()  # it only answers questions: nothing can be lost
            self.runner.wait(milliseconds)

    def _next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        self._current = self._waiting.popleft()
        if self._is_storm():
            failed = Failed(
                what="The engine keeps stopping",
                why=f"its process ended {MOST_DEATHS} times within a minute",
                next_step="Run emostudio doctor in a terminal to see why",
                details=self.runner.last_errors(),
            )
            self._on_ended(self._current.key, failed)
            return
        self.runner.run(self._current.key, self._current.job, self._workspace)

    def _on_ended(self, key: str, event: Event) -> None:
        question = self._current
        if question is None or question.key != key:
            return
        self._current = None
        if isinstance(event, Finished):
            question.on_answer(event.result)
        elif isinstance(event, Failed) and question.on_error is not None:
            question.on_error(event)
        # Not at once: this may be called while the dead process is still being cleaned up.
        QTimer.singleShot(0, self, self._next)

    def _on_event(self, key: str, event: Event) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(key, event)

    def _on_died(self, why: str) -> None:
        del why
        self._deaths.append(self._clock.elapsed())

    def _is_storm(self) -> bool:
        is_full = len(self._deaths) == MOST_DEATHS
        return is_full and self._clock.elapsed() - self._deaths[0] < DEATH_WINDOW_MS
