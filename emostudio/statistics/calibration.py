"""Whether a classifier's confidence can be believed: calibration error, its floor, temperature.

A calibration error is never zero: a perfectly calibrated model of 7 classes has about 0.02 on 3589
images. The floor says what such a model would show on as many images with the same confidences,
and only an error above nearly all of that is called miscalibrated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emostudio.core.measured import Calibration, CalibrationBin

BINS = 15
SIMULATIONS = 1000
_SIMULATIONS_AT_ONCE = 100
_LEVEL = 0.95
_COLDEST, _HOTTEST = 0.05, 20.0
_TINY = 1e-12


def equal_mass_bins(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS
) -> tuple[CalibrationBin, ...]:
    """Sort answers by confidence into bins of equally many, for a reliability plot.

    Answers of equal confidence that an edge parts count as right in the same share on both sides:
    pictures mostly lie in the order of their classes, which must not decide who goes where.

    Parameters
    ----------
    confidence
        Shape (N,), probability of the answer given, in [0, 1].
    correct
        Shape (N,), whether the answer was right.
    bins
        Number of bins; fewer if there are fewer answers. Sizes differ by one at most.
    """
    if not len(confidence):
        return ()
    order = np.argsort(confidence)
    sorted_ = np.asarray(confidence, dtype=np.float64)[order]
    hits = _bin_sums(correct[order][np.newaxis], sorted_, bins)[0]
    return tuple(
        CalibrationBin(
            images=len(part), confidence=float(np.mean(part)), accuracy=float(right / len(part))
        )
        for part, right in zip(np.array_split(sorted_, len(hits)), hits, strict=True)
    )


def _bin_sums(
    right: NDArray[np.bool_], sorted_: NDArray[np.float64], bins: int
) -> NDArray[np.float64]:
    """Count what is right in each bin, shape (runs, bins).

    Parameters
    ----------
    right
        Shape (runs, N), in the order of `sorted_`.
    sorted_
        Confidences, ascending; ties are shared out evenly.
    """
    parts = np.array_split(np.arange(len(sorted_)), min(bins, len(sorted_)))
    edges = np.array([part[0] for part in parts[1:]], dtype=np.int64)
    first = np.searchsorted(sorted_, sorted_[edges], "left")
    end = np.searchsorted(sorted_, sorted_[edges], "right")
    share = (edges - first) / (end - first)
    up_to = np.zeros((len(right), len(sorted_) + 1), dtype=np.int32)
    np.cumsum(right, axis=1, out=up_to[:, 1:])
    at_edges = up_to[:, first] + share * (up_to[:, end] - up_to[:, first])
    return np.diff(at_edges, axis=1, prepend=0.0, append=up_to[:, -1:])


def calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Return the mean distance of confidence and accuracy over bins, weighted by images.

    References
    ----------
    Naeini et al. 2015, AAAI (ECE); equal-mass bins after Nixon et al. 2019, arXiv:1904.01685.
    """
    count = sum(one.images for one in bins)
    return sum(one.images * abs(one.confidence - one.accuracy) for one in bins) / max(count, 1)


def calibration_floor(
    confidence: NDArray[np.floating], bins: int = BINS, simulations: int = SIMULATIONS
) -> tuple[float, float]:
    """Return the mean and the 95 % quantile of the error if the confidences were exactly right.

    Parameters
    ----------
    confidence
        Shape (N,), in [0, 1]; each answer is right with just this probability.
    bins
        As in `equal_mass_bins`.
    simulations
        Number of simulated data sets; the same data always give the same floor.
    """
    sorted_ = np.sort(np.asarray(confidence, dtype=np.float64))
    count = len(sorted_)
    if count == 0:
        return (0.0, 0.0)
    expected = [part.sum() for part in np.array_split(sorted_, min(bins, count))]
    generator = np.random.default_rng(0)
    errors = []
    for start in range(0, simulations, _SIMULATIONS_AT_ONCE):
        runs = min(_SIMULATIONS_AT_ONCE, simulations - start)
        right = generator.random((runs, count), dtype=np.float32) < sorted_
        hits = _bin_sums(right, sorted_, bins)
        errors.append(np.abs(hits - expected).sum(axis=1) / count)
    found = np.concatenate(errors)
    return (float(found.mean()), float(np.quantile(found, _LEVEL)))


def calibration(
    probabilities: NDArray[np.floating],
    truth: NDArray[np.integer],
    temperature: float | None = None,
) -> Calibration:
    """Describe how far confidence and accuracy are apart.

    Parameters
    ----------
    probabilities
        Shape (N, K), rows sum to 1.
    truth
        Shape (N,), class indices.
    temperature
        Fitted on other images (`fit_temperature`), to say what scaling would leave; None without.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    bins = equal_mass_bins(confidence, correct)
    floor, floor_high = calibration_floor(confidence)
    scaled = None
    if temperature is not None:
        softened = scale_by_temperature(probabilities, temperature).max(axis=1)
        scaled = calibration_error(equal_mass_bins(softened, correct))
    return Calibration(
        error=calibration_error(bins),
        floor=floor,
        floor_high=floor_high,
        confidence=float(np.mean(confidence, dtype=np.float64)) if len(confidence) else 0.0,
        bins=bins,
        temperature=temperature,
        error_scaled=scaled,
    )


def fit_temperature(probabilities: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """Return the temperature that makes the true classes most likely.

    Parameters
    ----------
    probabilities
        Shape (N, K), of validation images: never of those the result is judged on.
    truth
        Shape (N,), class indices.

    Returns
    -------
    Above 1 where the model is too sure of itself, within [0.05, 20].

    Raises
    ------
    ValueError
        If there are no images.

    References
    ----------
    Guo et al. 2017, arXiv:1706.04599.
    """
    from scipy.optimize import minimize_scalar  # the window must not load scipy
    from scipy.special import logsumexp

    if len(truth) == 0:
        raise ValueError("A temperature needs images")
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY))
    own = logs[np.arange(len(truth)), truth]

    def loss(coldness: float) -> float:  # convex in 1 / temperature
        return float(np.mean(logsumexp(coldness * logs, axis=1) - coldness * own))

    best = minimize_scalar(
        loss, bounds=(1 / _HOTTEST, 1 / _COLDEST), method="bounded", options={"xatol": 1e-7}
    )
    return 1 / float(best.x)


def scale_by_temperature(
    probabilities: NDArray[np.floating], temperature: float
) -> NDArray[np.float64]:
    """Return probabilities (N, K) of the same logits divided by `temperature`."""
    from scipy.special import softmax

    logs = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY))
    scaled: NDArray[np.float64] = softmax(logs / temperature, axis=1)
    return scaled
