"""Scores of a classifier, all computed from the confusion matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emostudio.statistics.intervals import wilson_of_share


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


def macro_f1_interval(confusion: NDArray[np.integer]) -> tuple[float, float]:
    """Return the 95 % interval of `macro_f1`.

    The score is taken for a share of as many images as would scatter as much as it does: Wilson's
    interval then stays within [0, 1] and does not shrink to a point where every answer is right,
    as the plain interval of the variance does.

    Returns
    -------
    Lower and upper bound in [0, 1]; (0, 1) without any answer.

    References
    ----------
    Variance: Takahashi et al. 2022, Applied Intelligence 52, 4961-4972. Interval: Wilson 1927,
    J. Am. Stat. Assoc. 22, 209-212.
    """
    count = float(confusion.sum())
    if not count:
        return (0.0, 1.0)
    score = macro_f1(confusion)
    spread = _macro_f1_variance(confusion)
    images = min(count, score * (1 - score) / spread) if spread > 0 else count
    return wilson_of_share(score, images)


def _macro_f1_variance(confusion: NDArray[np.integer]) -> float:
    """Variance of the score by the delta method, the cells of the matrix being multinomial."""
    shares = confusion / confusion.sum()
    right = np.diag(shares)
    seen = confusion.sum(axis=1) > 0
    both = shares.sum(axis=0) + shares.sum(axis=1)
    square = np.where(seen, both * both, 1.0)
    falls = np.where(seen, 2 * right / square, 0.0)
    slopes = -(falls[:, None] + falls[None, :])
    np.fill_diagonal(slopes, np.where(seen, 2 * (both - 2 * right) / square, 0.0))
    slopes /= seen.sum()
    mean = float(np.sum(shares * slopes))
    return float(np.sum(shares * slopes**2) - mean**2) / float(confusion.sum())


def agreement(predicted_a: NDArray[np.integer], predicted_b: NDArray[np.integer]) -> float:
    """Return the share of images on which two models give the same answer; 0 without images."""
    return float(np.mean(predicted_a == predicted_b)) if len(predicted_a) else 0.0
