"""What is put right when a workspace is opened after a crash."""

from __future__ import annotations

import time

from emostudio.core.jobs import JobStatus
from emostudio.workspace import folders, rows
from emostudio.workspace.base import now
from emostudio.workspace.processes import is_worked_on
from emostudio.workspace.records import RunRecord
from emostudio.workspace.store import Workspace

_STRAY_AGE_S = 3600.0
_WHY_LOST = "Its process ended without a word. Resume it to go on from its last checkpoint."


def recover(workspace: Workspace) -> tuple[RunRecord, ...]:
    """Bring catalogue and folders together and mark runs whose process died as lost.

    Rows whose files are gone are dropped, files without a row are taken in, and temporary files
    of writers that died are deleted.

    Returns
    -------
    The runs that are lost, to be offered for resuming.
    """
    if workspace.read_only:
        return ()
    _bring_together(workspace)
    _sweep(workspace)
    return tuple(
        workspace.update_run(run.id, status=JobStatus.LOST, pid=None, ended=now(), error=_WHY_LOST)
        for run in workspace.runs()
        if run.status in {JobStatus.RUNNING, JobStatus.PAUSED} and not is_worked_on(run)
    )


def _bring_together(workspace: Workspace) -> None:
    problems: list[str] = []
    known_runs = {run.id: run for run in workspace.runs()}
    known_models = {model.name: model for model in workspace.models()}
    gone = [name for name, model in known_models.items() if not model.file.exists()]
    gone_runs = [run.id for run in known_runs.values() if not run.folder.is_dir()]
    new_runs = list(folders.read_runs(workspace.runs_folder, problems, known_runs))
    new_models = list(folders.read_models(workspace.models_folder, problems, known_models))
    if gone or gone_runs or new_runs or new_models:
        with workspace.database.writing() as connection:
            rows.forget(connection, models=gone, runs=gone_runs)
            for run in new_runs:
                rows.insert_run(connection, run)
            for model in new_models:
                rows.insert_model(connection, model)


def _sweep(workspace: Workspace) -> None:
    """Delete temporary files of writers that died, old enough to belong to nobody."""
    oldest_s = time.time() - _STRAY_AGE_S
    for folder in (workspace.folder, workspace.models_folder, *workspace.runs_folder.iterdir()):
        if not folder.is_dir():
            continue
        for path in folder.glob(".*.part"):
            if path.stat().st_mtime < oldest_s:
                path.unlink(missing_ok=True)
