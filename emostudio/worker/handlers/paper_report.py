"""Writes what a study has found so far."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.events import Progress
from emostudio.core.jobs import PaperReportJob
from emostudio.paper.catalogue import chosen_keys, tables_of
from emostudio.paper.study import Study
from emostudio.reports.paper import write_tables
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.handlers.paper import study_settings


def handle(job: PaperReportJob, context: HandlerContext) -> Handling:
    """Answer with the path of the file."""
    yield Progress(message="Writing the report")
    study = Study(context.workspace.folder, study_settings(job.study))
    tables = list(tables_of(study, chosen_keys(job.study.experiment)).values())
    return {"out": str(write_tables(tables, Path(job.out).expanduser()))}
