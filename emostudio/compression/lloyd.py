"""Exact one-dimensional k-means on sorted values.

References
----------
.. [1] Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory, 1982.
.. [2] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, section 3 (linear start).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_CHUNK = 1 << 22


@dataclass(frozen=True)
class Clustering:
    """Centroids in ascending order, and the sum of squared errors after each sweep."""

    centroids: np.ndarray
    objective: tuple[float, ...]


def cluster(
    values: np.ndarray,
    centroid_count: int,
    *,
    sweeps: int = 50,
    report: Callable[[], object] = lambda: None,
) -> Clustering:
    """Find centroids that minimise the squared distance to the nearest one.

    Parameters
    ----------
    values
        Shape (n,), n at least 1.
    centroid_count
        Number of centroids, k.
    sweeps
        Most sweeps; ends sooner once nothing moves.
    report
        Called after each sweep; may raise to cancel.

    Returns
    -------
    Centroids of shape (k,), float64; the linear start spreads them evenly over the range, which
    keeps large weights better than a random one.
    """
    ordered = np.sort(values).astype(np.float64)
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    squares = np.concatenate(([0.0], np.cumsum(ordered**2)))
    low, high = float(ordered[0]), float(ordered[-1])
    centroids = low + (np.arange(centroid_count) + 0.5) * (high - low) / centroid_count
    objective: list[float] = []
    for _ in range(sweeps):
        edges = _edges(ordered, centroids)
        objective.append(_objective(sums, squares, edges, centroids))
        updated = _means(ordered, sums, edges, centroids)
        report()
        moved = float(np.max(np.abs(updated - centroids)))
        centroids = updated
        if moved <= 1e-6 * max(high - low, 1e-30):
            break
    objective.append(_objective(sums, squares, _edges(ordered, centroids), centroids))
    return Clustering(centroids, tuple(objective))


def nearest(values: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Return the index of the nearest of ascending `centroids`, uint8 of shape (n,)."""
    middles = ((centroids[1:] + centroids[:-1]) / 2).astype(values.dtype)
    codes = np.empty(values.size, np.uint8)
    for start in range(0, values.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        codes[chunk] = np.searchsorted(middles, values[chunk])
    return codes


def _edges(ordered: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    middles = (centroids[1:] + centroids[:-1]) / 2
    inner = np.searchsorted(ordered, middles)
    return np.concatenate(([0], inner, [ordered.size]))


def _means(
    ordered: np.ndarray, sums: np.ndarray, edges: np.ndarray, centroids: np.ndarray
) -> np.ndarray:
    counts = np.diff(edges)
    filled = counts > 0
    means = centroids.copy()
    means[filled] = np.diff(sums[edges])[filled] / counts[filled]
    empty = np.flatnonzero(~filled)
    if empty.size:
        means[empty] = _farthest(ordered, edges, means, empty.size)
    return np.sort(means)


def _farthest(ordered: np.ndarray, edges: np.ndarray, means: np.ndarray, wanted: int) -> np.ndarray:
    """Return `wanted` values far from their centroid, to take the place of empty clusters.

    The farthest member of a cluster is its first or last. With fewer such ends than empty
    clusters the rest land on the largest value, where they do no harm.
    """
    filled = np.flatnonzero(np.diff(edges) > 0)
    ends = np.concatenate((ordered[edges[filled]], ordered[edges[filled + 1] - 1]))
    distances = np.abs(ends - np.concatenate((means[filled], means[filled])))
    chosen = ends[np.argsort(-distances, kind="stable")[:wanted]]
    return np.concatenate((chosen, np.full(wanted - chosen.size, ordered[-1])))


def _objective(
    sums: np.ndarray, squares: np.ndarray, edges: np.ndarray, centroids: np.ndarray
) -> float:
    counts = np.diff(edges)
    per_cluster = (
        np.diff(squares[edges]) - 2 * centroids * np.diff(sums[edges]) + counts * centroids**2
    )
    return float(np.sum(per_cluster))
