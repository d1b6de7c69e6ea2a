"""Draws synthetic faces into a folder."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.events import Progress
from emostudio.core.jobs import SynthesiseJob
from emostudio.core.settings import parse_settings
from emostudio.data.synthetic.dataset import write_faces
from emostudio.data.synthetic.settings import SyntheticSettings
from emostudio.worker.context import HandlerContext, Handling


def handle(job: SynthesiseJob, context: HandlerContext) -> Handling:
    """Answer with the folder and the number of pictures."""
    settings = parse_settings(SyntheticSettings, job.settings, "synthetic faces")
    yield Progress(fraction=0.0, message="Drawing faces")
    out = Path(job.out).expanduser()
    count = write_faces(settings, out, context.job_context(settings.seed))
    return {"out": str(out), "pictures": count, "settings": settings.model_dump(mode="json")}
