"""Runs one job as a generator of events, keeping its run folder and catalogue row right."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from emostudio.core.errors import JobCancelled
from emostudio.core.events import (
    Cancelled,
    Event,
    Finished,
    StepDone,
)
from emostudio.core.jobs import Job, PaperJob
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.control import JobControl
from emostudio.worker.failures import explain
from emostudio.worker.handlers import handler
from emostudio.worker.journal import Journal
from emostudio.workspace.folders import CANCEL_FILE
from emostudio.workspace.store import Workspace

STEP_EVENTS_PER_S = 20


def execute(
    job: Job, workspace: Workspace, run_id: str | None = None, control: JobControl | None = None
) -> Iterator[Event]:
    """Run a job; the last event is the only `Finished`, `Cancelled` or `Failed`.

    Parameters
    ----------
    job
        What to do.
    workspace
        Where to do it.
    run_id
        Run to fill or to resume; None makes a new one for job kinds that keep a run.
    control
        Lets another thread pause or cancel. Closing the generator cancels too.
    """
    control = control or JobControl()
    if run_id is None and not job.is_run:
        with tempfile.TemporaryDirectory(prefix="emostudio-") as folder:
            yield from _guarded(job, HandlerContext(workspace, Path(folder), None, control))
        return
    yield from _execute_run(job, workspace, run_id, control)


def _execute_run(
    job: Job, workspace: Workspace, run_id: str | None, control: JobControl
) -> Iterator[Event]:
    try:
        run = workspace.claim_run(run_id or workspace.create_run(job).id)
        journal = Journal(workspace, run.id, control)
        context = HandlerContext(workspace, run.folder, run, control)
        control.attach(run.folder / CANCEL_FILE, journal.write, journal.note_pause)
    except Exception as error:  # noqa: BLE001 - the consumer is promised a terminal event
        yield explain(error)
        return
    with journal, contextlib.closing(_thinned(_guarded(job, context))) as events:
        try:
            for event in events:
                journal.write(event)
                yield event
        except GeneratorExit:
            events.close()  # the handler saves what it can before the run is called cancelled
            journal.settle(Cancelled())
            raise
        except Exception as error:  # noqa: BLE001 - such as a full disk under the journal itself
            failed = explain(error)
            with contextlib.suppress(Exception):
                journal.settle(failed)
            yield failed


def _guarded(job: Job, context: HandlerContext) -> Generator[Event, None, None]:
    """Drive a handler and turn its end into one terminal event."""
    try:
        with contextlib.closing(handler(job.kind)(job, context)) as handling:
            answer = yield from _driven(handling, context.control)
        last: Event = Finished(result=_as_json(answer))
    except (JobCancelled, KeyboardInterrupt):
        last = Cancelled(kept=_kept(job, context.folder))
    except Exception as error:  # noqa: BLE001 - every fault must reach the user as an event
        last = explain(error)
    yield last


def _driven(handling: Handling, control: JobControl) -> Generator[Event, None, Any]:
    """Ask the handler for event after event, obeying pause and cancel in between."""
    while True:
        try:
            event = next(handling)
        except StopIteration as stop:
            return stop.value
        yield event
        control.wait_while_paused()
        if control.is_cancelled:
            raise JobCancelled("Cancelled")


def _thinned(events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """Let at most `STEP_EVENTS_PER_S` step events through, and always the last before another."""
    waiting: StepDone | None = None
    last_s = 0.0
    with contextlib.closing(events):
        for event in events:
            if not isinstance(event, StepDone):
                if waiting is not None:
                    yield waiting
                waiting = None
            elif time.monotonic() - last_s < 1 / STEP_EVENTS_PER_S:
                waiting = event
                continue
            else:
                last_s, waiting = time.monotonic(), None
            yield event


def _as_json(answer: Any) -> dict[str, Any]:
    if isinstance(answer, BaseModel):
        return answer.model_dump(mode="json")
    return dict(answer or {})


def _kept(job: Job, folder: Path) -> str:
    if isinstance(job, PaperJob):  # its checkpoints lie with the study
        return "What is finished is kept; the same command goes on from there"
    found = any(path.is_file() for path in folder.rglob("checkpoints/*"))
    return "The last checkpoint is kept; the job can be resumed" if found else ""
