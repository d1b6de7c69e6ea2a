"""Classifying with several models at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.model_info import ModelInfo
from emostudio.inference.base import Kernels
from emostudio.inference.classifier import Classifier

_LEAST_PROBABILITY = 1e-7


class _Sessions:
    """What an ensemble says about the engines of its members; it has no network of its own."""

    def __init__(self, members: Sequence[Classifier]) -> None:
        self.engine = "+".join(dict.fromkeys(one.session.engine for one in members))
        simulated = any(one.session.kernels == "simulated" for one in members)
        self.kernels: Kernels = "simulated" if simulated else "real"

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Refuse: each member scales its inputs in its own way, so there is no common one."""
        raise NotImplementedError("an ensemble is asked about pictures, not about scaled inputs")

    def close(self) -> None:
        """Do nothing: the members close their own."""


class EnsembleClassifier(Classifier):
    """The mean of several classifiers' probabilities, over the labels that all of them know.

    Parameters
    ----------
    members
        Owned by the ensemble; each is shown the picture with its own preprocessing.
    info
        The ensemble's: labels, and the size of the pictures it is shown.
    """

    def __init__(self, members: Sequence[Classifier], info: ModelInfo) -> None:
        super().__init__(_Sessions(members), info)
        self._members = tuple(members)
        self._columns = [
            np.array([one.info.labels.index(label) for label in info.labels]) for one in members
        ]

    def classify(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the members' mean probabilities (N, K) for pictures of any size."""
        total = np.zeros((len(images), len(self.info.labels)))
        for member, columns in zip(self._members, self._columns, strict=True):
            known = member.classify(images)[:, columns].astype(np.float64)
            # classes that not all know are taken out, not counted as improbable
            total += known / np.maximum(known.sum(axis=1, keepdims=True), _LEAST_PROBABILITY)
        return (total / len(self._members)).astype(np.float32)

    def outputs(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return mean probabilities (N, K) for pictures (N, H, W, C) of the ensemble's size."""
        return self.classify(list(pixels))

    def close(self) -> None:
        """Free all members."""
        for member in self._members:
            member.close()
