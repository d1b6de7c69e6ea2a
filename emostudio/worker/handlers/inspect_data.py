"""Looks at a data source without importing it."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.events import Progress
from emostudio.core.jobs import InspectDataJob
from emostudio.data.importing import ImportRequest
from emostudio.data.opening import inspect
from emostudio.worker.context import HandlerContext, Handling


def handle(job: InspectDataJob, context: HandlerContext) -> Handling:
    """Answer with counts, problems, leaks and thumbnails."""
    yield Progress(message="Looking at the pictures")
    request = ImportRequest(
        Path(job.path), reader=job.reader, settings=job.settings, thumbnails=job.thumbnails
    )
    answer = inspect(request, context.workspace.datasets_folder, context.control.report)
    if job.only_leaks:
        answer = answer.model_copy(update={"thumbnails": (), "problems": ()})
    return answer
