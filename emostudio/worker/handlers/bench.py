"""Interleaved latency, memory in fresh processes, sizes."""

from __future__ import annotations

from functools import partial

from emostudio.core.errors import InputError
from emostudio.core.events import Note
from emostudio.core.jobs import BenchJob
from emostudio.evaluation.bench import bench
from emostudio.evaluation.latency import Protocol
from emostudio.inference.catalogue import ENGINES
from emostudio.worker.context import HandlerContext, Handling, other_work
from emostudio.worker.measuring import bench_entries
from emostudio.worker.resolve import find_models


def handle(job: BenchJob, context: HandlerContext) -> Handling:
    """Measure all models on all engines against each other."""
    models = [(found, found.load()) for found in find_models(job.models, context.workspace)]
    entries, refused = bench_entries(models, job.engines, job.threads, context.folder)
    for reason in refused:
        yield Note(level="warning", what=reason)
    if not entries:
        raise InputError(
            "None of the models runs on these engines",
            why="; ".join(refused),
            next_step=f"Engines: {', '.join(ENGINES.members())}",
        )
    protocol = Protocol(blocks=job.blocks, queries=job.pairs)
    report = yield from bench(entries, job.threads, protocol, partial(other_work, context))
    context.workspace.add_bench(report)
    return report
