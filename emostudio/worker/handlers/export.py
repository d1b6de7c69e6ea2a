"""Writes a self-contained ONNX file of a model."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.core.jobs import ExportJob
from emostudio.inference.export import export_onnx
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_model


def handle(job: ExportJob, context: HandlerContext) -> Handling:
    """Export and check parity; answers with the export report."""
    found = find_model(job.model, context.workspace)
    out = Path(job.out).expanduser()
    if out.suffix.lower() != ".onnx":
        raise InputError(f"{out.name} is not an ONNX file name", next_step="End it with .onnx")
    if out.exists() and out.resolve() == found.file.resolve():
        raise InputError(f"{out.name} is the model itself", next_step="Choose another file")
    yield Progress(message=f"Exporting {found.name} and checking that it answers alike")
    return export_onnx(found.load(), out)
