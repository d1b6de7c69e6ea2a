"""Runs every subset of a recipe and says what each step gave."""

from __future__ import annotations

from functools import partial

from emostudio.compression.ablation import ablate
from emostudio.core.jobs import AblateJob
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.measuring import resident_bytes_of
from emostudio.worker.resolve import find_model, open_data


def handle(job: AblateJob, context: HandlerContext) -> Handling:
    """Answer with the ledger of every subset and the share of every step."""
    teacher = find_model(job.teacher, context.workspace).load()
    dataset = open_data(job.data, context)
    engine_context = context.job_context(job.seed)
    threads, folder = engine_context.threads, engine_context.folder
    memory = partial(resident_bytes_of, threads=threads, folder=folder)
    return (yield from ablate(teacher, job.recipe, dataset, engine_context, memory=memory))
