"""Decodes a data source into the workspace."""

from __future__ import annotations

from emostudio.core.events import Note, Progress
from emostudio.core.jobs import ImportDataJob
from emostudio.data.importing import import_dataset
from emostudio.data.opening import request_for
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import register_dataset


def handle(job: ImportDataJob, context: HandlerContext) -> Handling:
    """Answer with the report of the import."""
    yield Progress(fraction=0.0, message="Importing")
    request = request_for(job.path, job.reader, job.settings, job.name)
    dataset = import_dataset(request, context.workspace.datasets_folder, context.control.report)
    register_dataset(dataset, context.workspace)
    for warning in dataset.report.warnings:
        yield Note(level="warning", what=warning)
    return dataset.report
