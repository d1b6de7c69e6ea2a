"""Writes a model in a format for other programs."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.core.jobs import ExportJob
from emostudio.exports.catalogue import exporter_for
from emostudio.exports.exporting import export_model
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_model


def handle(job: ExportJob, context: HandlerContext) -> Handling:
    """Export and check parity; answers with the export report."""
    out = Path(job.out).expanduser()
    exporter = exporter_for(job.to, out.name)
    found = find_model(job.model, context.workspace)
    if out.exists() and out.resolve() == found.file.resolve():
        raise InputError(f"{out.name} is the model itself", next_step="Choose another file")
    if out.resolve().parent == context.workspace.models_folder.resolve():
        raise InputError(
            f"{out.name} cannot be written",
            why="the workspace keeps its own models in this folder",
            next_step="Choose another folder",
        )
    yield Progress(message=f"Exporting {found.name} as {exporter.title}")
    return export_model(
        found.load(),
        exporter,
        out,
        replace=job.replace,
        runner=job.runner,
        report=context.control.report,
    )
