"""What is put right when a workspace is opened after a crash."""

from __future__ import annotations

import time
from dataclasses import dataclass

from emostudio.core.jobs import JobStatus
from emostudio.workspace import folders, rows
from emostudio.workspace.base import now
from emostudio.workspace.processes import is_worked_on
from emostudio.workspace.records import RunRecord
from emostudio.workspace.store import Workspace

_STRAY_AGE_S = 3600.0
_WHY_LOST = "Its process ended without a word. Resume it to go on from its last checkpoint."


@dataclass(frozen=True)
class Recovery:
    """What was found.

    Attributes
    ----------
    lost
        Runs whose process died.
    missing
        Names of models and ids of runs that were dropped from the catalogue, their files gone.
    found
        Names of models and ids of runs that lay in the folders unknown to the catalogue.
    strays
        How many half-written temporary files were deleted.
    """

    lost: tuple[RunRecord, ...] = ()
    missing: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    strays: int = 0


def recover(workspace: Workspace) -> Recovery:
    """Bring catalogue and folders together and mark runs whose process died as lost."""
    if workspace.read_only:
        return Recovery()
    missing, found = _bring_together(workspace)
    lost = []
    for run in workspace.runs():
        is_orphan = run.status in {JobStatus.RUNNING, JobStatus.PAUSED} and not is_worked_on(run)
        if is_orphan:
            lost.append(
                workspace.update_run(
                    run.id, status=JobStatus.LOST, pid=None, ended=now(), error=_WHY_LOST
                )
            )
    return Recovery(tuple(lost), missing, found, _sweep(workspace))


def _bring_together(workspace: Workspace) -> tuple[tuple[str, ...], tuple[str, ...]]:
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
    found = (*(run.id for run in new_runs), *(model.name for model in new_models))
    return (*gone, *gone_runs), found


def _sweep(workspace: Workspace) -> int:
    """Delete temporary files of writers that died, old enough to belong to nobody."""
    count = 0
    oldest_s = time.time() - _STRAY_AGE_S
    for folder in (workspace.folder, workspace.models_folder, *workspace.runs_folder.iterdir()):
        if not folder.is_dir():
            continue
        for path in folder.glob(".*.part"):
            if path.stat().st_mtime < oldest_s:
                path.unlink(missing_ok=True)
                count += 1
    return count
