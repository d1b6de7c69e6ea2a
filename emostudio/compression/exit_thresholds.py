"""Choosing when a picture may leave a network early: thresholds on normalised entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from emostudio.models.branchy import ALWAYS, NEVER

_COMBINATIONS = 4096


@dataclass(frozen=True)
class Answers:
    """What every head says about labelled images.

    Attributes
    ----------
    uncertainty
        Normalised entropy of each exit, float64 (exits, N).
    correct
        Whether each exit, and the trunk last, is right, bool (exits + 1, N).
    """

    uncertainty: NDArray[np.float64]
    correct: NDArray[np.bool_]


def leaving(answers: Answers, thresholds: Sequence[float]) -> NDArray[np.int64]:
    """Return the head that answers each image, int64 (N,); the trunk's is the last."""
    heads = np.full(answers.correct.shape[1], len(thresholds))
    for number in reversed(range(len(thresholds))):
        heads[answers.uncertainty[number] < thresholds[number]] = number
    return heads


def choose_thresholds(
    answers: Answers, tolerance: float, costs: Sequence[float], branches: Sequence[float]
) -> tuple[float, ...]:
    """Choose the thresholds with the least work that keep the accuracy.

    For each exit the largest threshold is found whose exited images are answered as accurately
    as the whole network answers all, less `tolerance`. A grid up to these is then searched for
    the combination of least mean work with which every exit, and all images together, keep that
    accuracy.

    Parameters
    ----------
    answers
        On the validation split.
    tolerance
        Accuracy that may be lost, as a share.
    costs
        Multiply-adds up to each exit and to the end of the trunk.
    branches
        Multiply-adds of each branch.
    """
    floor = float(answers.correct[-1].mean()) - tolerance - 1e-12
    size = max(2, int(_COMBINATIONS ** (1 / len(answers.uncertainty))))
    grids = [
        _grid(values, right, floor, size)
        for values, right in zip(answers.uncertainty, answers.correct[:-1], strict=True)
    ]
    best, least = (NEVER,) * len(grids), float(costs[-1])
    for limits in product(*grids):
        heads = leaving(answers, limits)
        right = answers.correct[heads, np.arange(len(heads))]
        asked = np.cumsum([b if t > 0 else 0.0 for b, t in zip(branches, limits, strict=True)])
        ways = np.asarray(costs, dtype=np.float64) + np.append(asked, asked[-1])
        work = float(ways[heads].mean())
        if work < least and right.mean() >= floor and _keep(right, heads, len(limits), floor):
            best, least = limits, work
    return best


def _keep(
    right: NDArray[np.bool_], heads: NDArray[np.int64], exit_count: int, floor: float
) -> bool:
    parts = (right[heads == number] for number in range(exit_count))
    return all(part.mean() >= floor for part in parts if len(part))


def _grid(
    values: NDArray[np.float64], right: NDArray[np.bool_], floor: float, size: int
) -> list[float]:
    """Return `NEVER` and thresholds at even steps up to the largest that keeps the accuracy."""
    order = np.argsort(values, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    sorted_values = values[order]
    # equal entropies leave together: a threshold lies only between different ones
    ends = np.append(sorted_values[1:] > sorted_values[:-1], [True])
    kept = np.flatnonzero((accuracy >= floor) & ends)
    if not len(kept):
        return [NEVER]
    most = kept[-1]
    places = np.unique(np.linspace(0, most, size - 1).round().astype(int))
    places = places[ends[places]]
    upper = np.append(sorted_values[1:], ALWAYS)
    middle = np.where(upper == ALWAYS, ALWAYS, (sorted_values + upper) / 2)
    return [NEVER, *(float(np.float32(middle[place])) for place in places)]
