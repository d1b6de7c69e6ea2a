"""The quickstart's measurements: all models on the same images and in the same blocks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

from emostudio.core.answers import BenchReport
from emostudio.core.events import Event, Progress
from emostudio.data.dataset import Dataset
from emostudio.evaluation.accuracy import compare_all, evaluate_paired
from emostudio.evaluation.bench import bench
from emostudio.evaluation.latency import Protocol
from emostudio.inference.catalogue import DEFAULT_ENGINE, open_classifier
from emostudio.worker.answering import keep_answers
from emostudio.worker.context import HandlerContext, other_work
from emostudio.worker.measuring import bench_entries
from emostudio.worker.outcome import TEST, Saved
from emostudio.worker.resolve import Found

BLOCKS = 30
_HURRIED_BLOCKS = 12
_HURRY_S = 45.0


def evaluate_all(
    models: Sequence[Saved],
    dataset: Dataset,
    context: HandlerContext,
    report: Callable[[float, str], None],
) -> Generator[Event, None, None]:
    """Evaluate every model on the test split and pair it with the first."""
    evaluations = []
    for place, saved in enumerate(models):

        def overall(fraction: float, message: str, place: int = place) -> None:
            report((place + fraction) / len(models), message)

        yield Progress(fraction=place / len(models), message=f"Evaluating {saved.record.name}")
        classifier = open_classifier(saved.model, threads=context.threads)
        try:
            evaluations.append(
                evaluate_paired(classifier, dataset, TEST, saved.record.name, overall)
            )
        finally:
            classifier.close()
    keep_answers(context.folder, dataset, TEST, evaluations)
    pairs = compare_all(evaluations)
    for saved, evaluation in zip(models, evaluations, strict=True):
        own = tuple(pair for pair in pairs if pair.b == saved.record.name)
        context.workspace.add_evaluation(
            saved.record.name, dataset.name, TEST, evaluation.result, own, dataset.fingerprint
        )


def bench_all(
    models: Sequence[Saved], left_s: float, context: HandlerContext
) -> Generator[Event, None, BenchReport]:
    """Time all models against each other on one thread, and measure their memory."""
    found = [(Found(s.record.name, s.record.file, s.record), s.model) for s in models]
    entries, _ = bench_entries(found, (DEFAULT_ENGINE,), 1, context.folder)
    blocks = BLOCKS if left_s > _HURRY_S else _HURRIED_BLOCKS
    report = yield from bench(entries, 1, Protocol(blocks=blocks), partial(other_work, context))
    context.workspace.add_bench(report)
    return report
