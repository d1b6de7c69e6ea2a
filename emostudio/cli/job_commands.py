"""The queue from outside the window."""

from __future__ import annotations

from typing import Annotated

import typer

from emostudio.cli.display import show_jobs
from emostudio.cli.options import Context, JsonOption, WorkspaceOption
from emostudio.cli.running import open_workspace, run_job
from emostudio.core.errors import InputError
from emostudio.core.jobs import JobStatus
from emostudio.workspace.records import RunRecord
from emostudio.workspace.recovery import recover

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Run id; see emostudio jobs.")]
_KEYS = (
    "id", "kind", "title", "status", "created", "started", "ended", "fraction", "message",
    "models", "error",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(jobs)
    app.command()(resume)
    app.command()(cancel)


def jobs(context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False) -> None:
    """List runs, newest first."""
    with open_workspace(workspace, context.obj) as opened:
        recover(opened)
        rows = [_row(run) for run in opened.runs()]
    context.obj.answer(rows)
    show_jobs(rows, context.obj)


def resume(
    context: Context,
    run: RunArgument,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Take up a run that ended early, from its last checkpoint."""
    with open_workspace(workspace, context.obj) as opened:
        record = opened.run(run)
    if record.status is JobStatus.DONE:
        raise InputError(f"Run {run} is already done")
    answer = run_job(record.job, workspace, context.obj, run_id=run)
    context.obj.answer(answer)
    context.obj.console.print(f"{run} is done")


def cancel(
    context: Context,
    run: RunArgument,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Stop a run in whichever process it is; what it saved is kept."""
    with open_workspace(workspace, context.obj) as opened:
        record = opened.request_cancel(run)
    asked = record.status in {JobStatus.RUNNING, JobStatus.PAUSED}
    context.obj.answer({"run": run, "status": record.status, "asked": asked})
    words = "was asked to stop" if asked else f"is {record.status}"
    context.obj.console.print(f"{run} {words}")


def _row(run: RunRecord) -> dict[str, object]:
    document = run.model_dump(mode="json")
    return {key: document[key] for key in _KEYS} | {"folder": str(run.folder)}
