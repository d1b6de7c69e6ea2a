"""Scores of a classifier, all computed from the confusion matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], class_count: int
) -> NDArray[np.int64]:
    """Count answers as ``confusion[truth, predicted]``.

    Parameters
    ----------
    truth, predicted
        Shape (N,), class indices in [0, `class_count`).
    """
    cells = truth.astype(np.int64) * class_count + predicted.astype(np.int64)
    counts = np.bincount(cells, minlength=class_count * class_count)
    return counts.reshape(class_count, class_count).astype(np.int64)


def accuracy(confusion: NDArray[np.integer]) -> float:
    """Return the share of right answers; 0 without any answer."""
    total = int(confusion.sum())
    return float(np.trace(confusion)) / total if total else 0.0


def balanced_accuracy(confusion: NDArray[np.integer]) -> float:
    """Return the mean recall over the classes that occur in the truth."""
    support = confusion.sum(axis=1)
    seen = support > 0
    return float(np.mean(np.diag(confusion)[seen] / support[seen])) if seen.any() else 0.0


def macro_f1(confusion: NDArray[np.integer]) -> float:
    """Return the mean F1 over the classes that occur in the truth.

    A class without images has no recall, so it is left out instead of counting as zero; wrong
    answers in favour of such a class still lower the recall of the true ones.
    """
    support = confusion.sum(axis=1)
    seen = support > 0
    if not seen.any():
        return 0.0
    scores = 2 * np.diag(confusion) / np.maximum(support + confusion.sum(axis=0), 1)
    return float(np.mean(scores[seen]))


def agreement(predicted_a: NDArray[np.integer], predicted_b: NDArray[np.integer]) -> float:
    """Return the share of images on which two models give the same answer; 0 without images."""
    return float(np.mean(predicted_a == predicted_b)) if len(predicted_a) else 0.0
