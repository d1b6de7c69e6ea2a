"""Pictures that variants judge otherwise than the baseline."""

from __future__ import annotations

from emostudio.core.comparing import ChangesReport
from emostudio.core.errors import InputError
from emostudio.core.jobs import ChangesJob
from emostudio.evaluation.changes import changes
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_models, open_data
from emostudio.workspace.answer_files import find_answers


def handle(job: ChangesJob, context: HandlerContext) -> Handling:
    """Answer from what an evaluation of all these models on these pictures left behind."""
    yield from ()
    names = [found.name for found in find_models(job.models, context.workspace)]
    records = [context.workspace.model(name) for name in names]
    answers = find_answers(context.workspace, records, job.data, job.split)
    if answers is None:
        raise InputError(
            "It is not known which pictures these models judge differently",
            why=f"they were not asked about {job.data}, {job.split}, in one measurement",
            next_step="Measure the accuracy of all of them together",
        )
    found = changes(open_data(job.data, context), answers, names, job.most)
    return ChangesReport(data=job.data, split=job.split, changes=found)
