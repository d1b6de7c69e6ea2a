"""Brings a foreign model into the workspace."""

from __future__ import annotations

from emostudio.core.jobs import ImportModelJob
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.importing import import_model


def handle(job: ImportModelJob, context: HandlerContext) -> Handling:
    """Find out what the file is, check it on labelled images if given, keep it as a teacher."""
    imported = yield from import_model(job, context)
    return imported.report
