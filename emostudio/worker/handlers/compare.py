"""Writes a comparison file from stored measurements."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.core.jobs import CompareJob
from emostudio.reports.comparison import Asked, write_comparison
from emostudio.worker.answering import known_changes
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_models
from emostudio.workspace.claims import check_claims, speed_claims
from emostudio.workspace.comparison import compare


def handle(job: CompareJob, context: HandlerContext) -> Handling:
    """Write the file; answers with its path and the rows, refuses what must not be published."""
    yield Progress(message="Writing the comparison")
    names = [found.name for found in find_models(job.models, context.workspace)]
    records = [context.workspace.model(name) for name in names]
    rows = compare(
        records,
        dataset=job.data,
        speed_claims=speed_claims(METHODS.members().values()),
        limits=job.limits,
    )
    if job.publish and rows.blockers:
        raise InputError(
            "These figures are not fit to be published",
            why="; ".join(rows.blockers),
            next_step="Measure again on a quiet machine, or leave out --publish",
        )
    ordered = sorted(records, key=lambda record: record.name != rows.baseline)
    out = Path(job.out).expanduser()
    written = write_comparison(
        context.workspace,
        names,
        out,
        data=job.data,
        title=job.title,
        asked=Asked(limits=job.limits, chart=job.chart),
        changes=known_changes(context.workspace, ordered, rows.dataset, rows.split),
    )
    claims = check_claims(records, rows.baseline, METHODS.members(), rows.engine)
    return {
        "out": str(written),
        **rows.model_dump(mode="json"),
        "claims": [asdict(claim) for claim in claims],
    }
