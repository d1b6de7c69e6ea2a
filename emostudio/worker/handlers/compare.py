"""Writes a comparison file from stored measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.core.jobs import CompareJob
from emostudio.data.opening import imported_dataset
from emostudio.reports.comparison import Asked, write_comparison
from emostudio.worker.answering import known_changes
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import Found, find_models
from emostudio.workspace.claims import check_claims, speed_claims
from emostudio.workspace.comparison import compare
from emostudio.workspace.records import ModelRecord


def handle(job: CompareJob, context: HandlerContext) -> Handling:
    """Write the file; answers with its path and the rows, refuses what must not be published."""
    yield Progress(message="Writing the comparison")
    records = _measured(find_models(job.models, context.workspace))
    names = [record.name for record in records]
    data = None if job.data is None else _dataset(job.data, records, context)
    rows = compare(
        records,
        dataset=data,
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
        data=data,
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


def _measured(models: Sequence[Found]) -> list[ModelRecord]:
    """Return the records of models; what lies outside the workspace has none."""
    for found in models:
        if found.record is None:
            raise InputError(
                f"{found.name} cannot be compared yet",
                why="only models of the workspace keep what is measured about them",
                next_step=f"Import it (emostudio import {found.file}), then evaluate and bench it",
            )
    return [found.record for found in models if found.record is not None]


def _dataset(argument: str, records: Sequence[ModelRecord], context: HandlerContext) -> str:
    """Return the name under which accuracies on a data argument were kept."""
    judged = [evaluation for record in records for evaluation in record.evaluations]
    known = dict.fromkeys(evaluation.dataset for evaluation in judged)
    if argument in known:  # its pictures may be gone by now
        return argument
    found = imported_dataset(argument, context.workspace.datasets_folder)
    if found is not None:
        pictures = {evaluation.pictures[::2] for evaluation in judged}
        if pictures & {(found.name, found.fingerprint), (found.name, "")}:
            return found.name
    names = " ".join(record.name for record in records)
    others = f", or compare on {', '.join(known)}" if known else ""
    raise InputError(
        f"None of these models was evaluated on {argument}",
        why="a comparison shows what was measured before",
        next_step=f"Evaluate them (emostudio evaluate {names} --data {argument}){others}",
    )
