"""Runs a job in this process: progress on stderr, Ctrl-C cancels with a checkpoint."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from emostudio.cli.output import Output
from emostudio.core import events as ev
from emostudio.core.jobs import Job
from emostudio.core.paths import default_workspace
from emostudio.core.units import format_bytes, format_duration
from emostudio.workspace.store import Workspace

CANCELLED = 130
_LINE_EVERY_S = 2.0


def open_workspace(folder: Path | None, output: Output) -> Workspace:
    """Open the workspace a command works in and tell what there is to tell about it."""
    workspace = Workspace.open(folder or output.workspace or default_workspace())
    for notice in workspace.notices:
        output.log.print(notice)
    return workspace


def run_job(
    job: Job, folder: Path | None, output: Output, *, run_id: str | None = None
) -> dict[str, Any]:
    """Run a job and return its answer.

    Raises
    ------
    typer.Exit
        With the job's exit code if it failed or was cancelled.
    """
    from emostudio.worker.control import JobControl  # loads the engine, so not for --help
    from emostudio.worker.execute import execute

    with open_workspace(folder, output) as workspace, _Reporter(output) as reporter:
        control = JobControl(reporter.show)
        with _cancelling(control.cancel):
            last: ev.Event | None = None
            for event in execute(job, workspace, run_id, control):
                reporter.show(event)
                last = event
    if isinstance(last, ev.Finished):
        return last.result
    if isinstance(last, ev.Failed):
        output.error(last.what, last.why, last.next_step)
        if last.exit_code == 1 and last.details:
            output.log.print(last.details, markup=False, style="dim")
        raise typer.Exit(last.exit_code)
    kept = last.kept if isinstance(last, ev.Cancelled) else ""
    if reporter.counters:
        output.answer(reporter.counters)
    output.error("Cancelled", kept)
    raise typer.Exit(CANCELLED)


def answer_job(
    job: Job,
    folder: Path | None,
    output: Output,
    show: Callable[[dict[str, Any], Output], None],
) -> None:
    """Run a job and give its answer, as JSON or shown by `show`.

    Raises
    ------
    typer.Exit
        With the job's exit code if it failed or was cancelled.
    """
    answer = run_job(job, folder, output)
    output.answer(answer)
    show(answer, output)


@contextmanager
def _cancelling(cancel: Any) -> Iterator[None]:
    """Let the first Ctrl-C cancel; the second one interrupts."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        cancel()
        signal.signal(number, signal.default_int_handler)

    watched = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(number, on_signal) for number in watched]
    try:
        yield
    finally:
        for number, handler in zip(watched, before, strict=True):
            signal.signal(number, handler)


class _Reporter:
    """Shows events: a bar on a terminal, plain lines otherwise."""

    def __init__(self, output: Output) -> None:
        self._log = output.log
        self._is_terminal = sys.stderr.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._log,
            transient=True,
            disable=not self._is_terminal,
        )
        self._task = self._bar.add_task("", total=None, left="")
        self._last_line = ""
        self._next_line_s = 0.0
        self.counters: dict[str, Any] = {}

    def __enter__(self) -> _Reporter:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def show(self, event: ev.Event) -> None:
        """Show one event."""
        if isinstance(event, ev.Progress):
            self._progress(event)
        elif isinstance(event, ev.LiveCounters):
            self.counters = event.report
        elif isinstance(event, ev.EpochDone) and event.epoch < event.epochs:
            self._now_and_then(_line(event))
        elif line := _line(event):
            self._log.print(line, markup=False)
            self._next_line_s = 0.0

    def _progress(self, event: ev.Progress) -> None:
        left = format_duration(event.seconds_left) + " left" if event.seconds_left else ""
        total = 1.0 if event.fraction is not None else None
        self._bar.update(
            self._task,
            description=event.message,
            completed=event.fraction or 0.0,
            total=total,
            left=left,
        )
        if self._is_terminal or not event.message:
            return
        share = f" ({event.fraction:.0%})" if event.fraction else ""
        self._now_and_then(f"{event.message}{share}")

    def _now_and_then(self, line: str) -> None:
        """Print a line of which there are many, unless another one was printed just now."""
        if line == self._last_line or time.monotonic() < self._next_line_s:
            return
        self._last_line = line
        self._next_line_s = time.monotonic() + _LINE_EVERY_S
        self._log.print(line, markup=False)


def _line(event: ev.Event) -> str:
    if isinstance(event, ev.Note):
        mark = "" if event.level == "info" else f"{event.level}: "
        return mark + event.text
    if isinstance(event, ev.StageStarted):
        return f"Step {event.index + 1} of {event.count}: {event.title}"
    if isinstance(event, ev.StageDone):
        accuracy = f", accuracy {event.accuracy:.1%}" if event.accuracy is not None else ""
        size = f"{format_bytes(event.disk_bytes)}" if event.disk_bytes else ""
        return f"  done: {size}{accuracy}"
    if isinstance(event, ev.EpochDone):
        error = event.validation_error
        validation = f", validation error {error:.1%}" if error is not None else ""
        return (
            f"  epoch {event.epoch} of {event.epochs}: loss {event.train_loss:.3f}, "
            f"train error {event.train_error:.1%}{validation}"
        )
    if isinstance(event, ev.VariantSaved):
        return f"Saved {event.model}: {event.file} ({format_bytes(event.disk_bytes)})"
    return ""
