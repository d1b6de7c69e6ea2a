"""Runs a recipe on a teacher."""

from __future__ import annotations

from emostudio.core.answers import CompressReport
from emostudio.core.jobs import CompressJob
from emostudio.worker.compressing import compress
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.outcome import evaluate_saved
from emostudio.worker.resolve import find_model, open_data


def handle(job: CompressJob, context: HandlerContext) -> Handling:
    """Answer with the plan, the variant and the ledger of its steps."""
    teacher = find_model(job.teacher, context.workspace).load()
    dataset = open_data(job.data, context)
    done = yield from compress(
        teacher, job.recipe, dataset, context.job_context(job.seed), context, name=job.name
    )
    yield from evaluate_saved(done.saved, dataset, context)
    return CompressReport(
        run=context.run.id if context.run else "",
        model=done.saved.record.name,
        file=str(done.saved.record.file),
        plan=done.result.plan,
        stages=done.result.stages,
    )
