"""How often a model is right, on which images, and whether another one is reliably better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import EvaluationResult, PairedResult
from emostudio.core.errors import InputError
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.data.labels import targets
from emostudio.inference.classifier import Classifier, softmax
from emostudio.statistics import classification
from emostudio.statistics.calibration import calibration, fit_temperature
from emostudio.statistics.intervals import wilson
from emostudio.statistics.paired import (
    discordant,
    mcnemar_exact,
    paired_bootstrap,
    paired_difference,
    with_holm,
)

_BATCH = 64


@dataclass(frozen=True)
class Evaluation:
    """A result with the answers behind it, so that models can be paired image by image.

    Attributes
    ----------
    result
        What is shown.
    images
        Places in the dataset of the images that count, int64 (M,), ascending.
    correct
        Whether the model was right, bool (M,).
    answers
        Canonical emotion index the model gave, int8 (M,).
    subjects
        Person of each image, int32 (M,), negative where unknown.
    confidences
        Probability of each answer, float32 (M,).
    """

    result: EvaluationResult
    images: NDArray[np.int64]
    correct: NDArray[np.bool_]
    answers: NDArray[np.int8]
    subjects: NDArray[np.int32]
    confidences: NDArray[np.float32]


def evaluate(
    classifier: Classifier,
    dataset: Dataset,
    split: Split | str,
    name: str,
    report: Callable[[float, str], None] | None = None,
) -> EvaluationResult:
    """Return the scores of one model on one split; see `evaluate_paired` for what counts."""
    return evaluate_paired(classifier, dataset, split, name, report).result


def evaluate_paired(
    classifier: Classifier,
    dataset: Dataset,
    split: Split | str,
    name: str,
    report: Callable[[float, str], None] | None = None,
    temperature: float | None = None,
) -> Evaluation:
    """Classify a split and keep every answer.

    Labels are matched by name. Images without a label, and images of an emotion the model does
    not know, do not count (policy ``drop``); ``dropped`` says how many those were. The other way
    round nothing is forgiven: an answer in favour of a class that the dataset lacks is wrong.

    Parameters
    ----------
    classifier
        The model; its preprocessing decides how the images are resized.
    dataset, split
        What to classify.
    name
        Name of the model in the result.
    report
        Told of the share done before each batch; may raise to stop.
    temperature
        Of the model, from `validation_temperature`: says what scaling would leave of its
        calibration error.

    Raises
    ------
    InputError
        If the split has no image that counts.
    """
    images, truth, dropped = _counting(classifier, dataset, split)
    if not len(images):
        raise InputError(
            f"{name} cannot be evaluated on {dataset.name}",
            why="the split has no labelled image of a class the model knows",
            next_step="Choose another split or dataset",
        )
    outputs = _outputs(classifier, dataset, images, report)
    predicted = outputs.argmax(axis=1)
    confusion = classification.confusion_matrix(truth, predicted, len(classifier.info.labels))
    canonical = np.array([label.position for label in classifier.info.labels], dtype=np.int8)
    result = _result(classifier, name, confusion, dropped)
    probabilities = _probabilities(classifier, outputs)
    found = calibration(probabilities, truth, temperature)
    return Evaluation(
        result=result.model_copy(update={"calibration": found}),
        images=images,
        correct=predicted == truth,
        answers=canonical[predicted],
        subjects=dataset.subjects[images],
        confidences=probabilities.max(axis=1),
    )


def validation_temperature(
    classifier: Classifier,
    dataset: Dataset,
    report: Callable[[float, str], None] | None = None,
    most_images: int = 2000,
) -> float | None:
    """Fit the temperature of a model on validation images, never on those it is judged on.

    Parameters
    ----------
    most_images
        More than that many are thinned evenly: one number needs no more.

    Returns
    -------
    None where the dataset has no validation image that counts.
    """
    images, truth, _ = _counting(classifier, dataset, Split.VALIDATION)
    if not len(images):
        return None
    chosen = np.linspace(0, len(images) - 1, min(most_images, len(images))).astype(np.int64)
    outputs = _outputs(classifier, dataset, images[chosen], report)
    return fit_temperature(_probabilities(classifier, outputs), truth[chosen])


def _counting(
    classifier: Classifier, dataset: Dataset, split: Split | str
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Places and classes of the images that count, and how many others the split has."""
    indices = dataset.indices(split)
    truth = targets(dataset.emotions[indices], classifier.info.labels)
    counts = truth >= 0
    return indices[counts], truth[counts], int((~counts).sum())


def compare(a: Evaluation, b: Evaluation) -> PairedResult:
    """Compare two models on the images that count for both.

    Returns
    -------
    ``difference`` is the accuracy of `b` minus that of `a`; `p_value` is McNemar's exact one.
    """
    common, places_a, places_b = np.intersect1d(a.images, b.images, return_indices=True)
    correct_a, correct_b = a.correct[places_a], b.correct[places_b]
    subjects = a.subjects[places_a]
    known = subjects if len(common) and bool((subjects >= 0).any()) else None
    difference, low, high = paired_difference(correct_a, correct_b, known)
    only_a, only_b = discordant(correct_a, correct_b)
    return PairedResult(
        a=a.result.model,
        b=b.result.model,
        difference=difference,
        interval=(low, high),
        p_value=mcnemar_exact(only_a, only_b),
        agreement=classification.agreement(a.answers[places_a], b.answers[places_b]),
        only_a=only_a,
        only_b=only_b,
        bootstrap=paired_bootstrap(correct_a, correct_b, known),
    )


def compare_all(evaluations: Sequence[Evaluation]) -> tuple[PairedResult, ...]:
    """Compare every model with the first, the baseline; p-values corrected after Holm."""
    pairs = [compare(evaluations[0], other) for other in evaluations[1:]]
    return with_holm(pairs)


def _outputs(
    classifier: Classifier,
    dataset: Dataset,
    images: NDArray[np.int64],
    report: Callable[[float, str], None] | None,
) -> NDArray[np.float32]:
    """Return what the network says (N, K) of these images."""
    pixels = dataset.pixels(classifier.info.preprocessing)
    answers = []
    bounds = [*range(0, len(images), _BATCH), len(images)]
    for start, stop in pairwise(bounds):
        if report is not None:
            report(start / len(images), f"Evaluating {classifier.info.name}")
        answers.append(classifier.outputs(np.asarray(pixels[images[start:stop]])))
    return np.concatenate(answers)


def _probabilities(classifier: Classifier, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    return outputs if classifier.info.outputs == "probabilities" else softmax(outputs)


def _result(
    classifier: Classifier, name: str, confusion: NDArray[np.int64], dropped: int
) -> EvaluationResult:
    samples = int(confusion.sum())
    low, high = wilson(int(np.trace(confusion)), samples)
    return EvaluationResult(
        model=name,
        samples=samples,
        accuracy=classification.accuracy(confusion),
        accuracy_interval=(low, high),
        macro_f1=classification.macro_f1(confusion),
        macro_f1_interval=classification.macro_f1_interval(confusion),
        balanced_accuracy=classification.balanced_accuracy(confusion),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        labels=tuple(classifier.info.labels),
        engine=classifier.session.engine,
        dropped=dropped,
    )
