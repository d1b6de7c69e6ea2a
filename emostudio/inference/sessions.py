"""A model made ready: its stretches, run one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.base import Kernels

SegmentRun = Callable[[NDArray[np.float32]], tuple[NDArray[Any], ...]]


class SegmentedSession:
    """Segments run one after another, each on the pictures that nothing answered before.

    Parameters
    ----------
    engine
        Key of the engine that runs them.
    segments
        All but the last return features, logits and bool (N,), whose answer stands; the last one
        returns logits first. A network without early exits is one segment.
    kernels
        Whether they imitate arithmetic they have no kernels for.

    Attributes
    ----------
    segments
        What runs; empty when the session is closed.
    """

    def __init__(
        self, engine: str, segments: Sequence[SegmentRun], kernels: Kernels = "real"
    ) -> None:
        self.engine = engine
        self.kernels = kernels
        self.segments = tuple(segments)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs (N, K) for normalised inputs (N, C, H, W)."""
        if not self.segments:
            raise ValueError("The session is closed")
        return run_segments(self.segments, batch)

    def close(self) -> None:
        """Free what the segments hold."""
        self.segments = ()


def run_in_slices(
    run: SegmentRun, size: int | None, batch: NDArray[np.float32]
) -> tuple[NDArray[Any], ...]:
    """Run a graph on any number of pictures, if need be in slices of its fixed batch size.

    Parameters
    ----------
    run
        Takes `size` pictures, or any number where it is None.
    size
        The graph's batch size.
    batch
        Inputs (N, ...).
    """
    if size in (None, len(batch)):
        return run(batch)
    parts = []
    for start in range(0, len(batch), size or 1):
        part = batch[start : start + (size or 1)]
        padding = np.repeat(part[-1:], (size or 1) - len(part), axis=0)
        found = run(np.concatenate([part, padding]))
        parts.append([output[: len(part)] for output in found])
    return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))


def run_segments(segments: Sequence[SegmentRun], batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run segments one after another, each on the pictures that nothing answered before.

    Parameters
    ----------
    segments
        Each maps features to features, logits and bool (N,), whose answer stands; the last one
        to logits alone.
    batch
        Normalised inputs (N, C, H, W).

    Returns
    -------
    Logits (N, K).
    """
    answers: NDArray[np.float32] | None = None
    features, left = batch, np.arange(len(batch))
    for segment in segments[:-1]:
        features, logits, accepted = segment(features)
        if answers is None:
            answers = np.empty_like(logits)
        answers[left[accepted]] = logits[accepted]
        if accepted.all():
            return answers
        features, left = features[~accepted], left[~accepted]
    last: NDArray[np.float32] = segments[-1](features)[0]
    if answers is None:
        return last
    answers[left] = last
    return answers
