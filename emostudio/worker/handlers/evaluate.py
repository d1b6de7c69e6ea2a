"""Accuracy of models on one split."""

from __future__ import annotations

from emostudio.core.answers import EvaluationReport
from emostudio.core.events import Progress
from emostudio.core.jobs import EvaluateJob
from emostudio.data.base import Split
from emostudio.evaluation.accuracy import (
    compare,
    compare_all,
    evaluate_paired,
    validation_temperature,
)
from emostudio.inference.catalogue import open_classifier
from emostudio.worker.answering import keep_answers
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_models, open_data


def handle(job: EvaluateJob, context: HandlerContext) -> Handling:
    """Evaluate every model on the same images; the first one is the baseline of the pairs."""
    models = find_models(job.models, context.workspace)
    dataset = open_data(job.data, context)
    evaluations = []
    for number, found in enumerate(models):
        yield Progress(fraction=number / len(models), message=f"Evaluating {found.name}")
        classifier = open_classifier(found.load(), job.engine, context.threads)
        try:
            report = context.control.report
            # a temperature fitted on the images that are judged would flatter the model
            is_validation = job.split == Split.VALIDATION.name.lower()
            warmth = None if is_validation else validation_temperature(classifier, dataset, report)
            evaluations.append(
                evaluate_paired(classifier, dataset, job.split, found.name, report, warmth)
            )
        finally:
            classifier.close()
    keep_answers(context.folder, dataset, job.split, evaluations)
    paired = compare_all(evaluations)
    for found, evaluation in zip(models, evaluations, strict=True):
        if found.record is not None:
            # against every other model: a comparison may take any of them as its baseline
            own = tuple(
                compare(other, evaluation) for other in evaluations if other is not evaluation
            )
            context.workspace.add_evaluation(
                found.record.name,
                dataset.name,
                job.split,
                evaluation.result,
                own,
                dataset.fingerprint,
            )
    return EvaluationReport(
        data=dataset.name,
        split=job.split,
        results=tuple(evaluation.result for evaluation in evaluations),
        paired=paired,
    )
