"""From pictures to probabilities, on any engine, with the model's own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError
from emostudio.core.model_info import ModelInfo
from emostudio.data.transforms import normalise, to_input_pixels
from emostudio.inference.base import Session

_BATCH = 32
"""Larger batches gain nothing on a CPU and cost memory."""


class Classifier:
    """A session together with what its inputs and outputs mean.

    Parameters
    ----------
    session
        The model on an engine; the classifier owns it.
    info
        The model's labels, preprocessing and kind of outputs.
    """

    def __init__(self, session: Session, info: ModelInfo) -> None:
        self.session = session
        self.info = info

    def classify(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return probabilities (N, K) over ``info.labels`` for pictures of any size.

        Parameters
        ----------
        images
            Each of shape (H, W), (H, W, 1) or (H, W, 3) RGB.
        """
        if not len(images):
            return np.empty((0, len(self.info.labels)), dtype=np.float32)
        pixels = [to_input_pixels(image, self.info.preprocessing) for image in images]
        return self.probabilities(np.stack(pixels))

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities (N, K) for input pixels (N, H, W, C) that already have model size.

        Raises
        ------
        EmoStudioError
            If the network answers with other shapes than its labels ask for, or not with numbers.
        """
        outputs = self.outputs(pixels)
        if self.info.outputs == "probabilities":
            return outputs
        return softmax(outputs)

    def outputs(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the network says (N, K): logits or probabilities, as ``info.outputs``."""
        batches = [
            self._run(pixels[start : start + _BATCH]) for start in range(0, len(pixels), _BATCH)
        ]
        if not batches:
            return np.empty((0, len(self.info.labels)), dtype=np.float32)
        return np.concatenate(batches)

    def close(self) -> None:
        """Free the session."""
        self.session.close()

    def _run(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        outputs = self.session.run(normalise(pixels, self.info.preprocessing))
        expected = (len(pixels), len(self.info.labels))
        if outputs.shape != expected:
            raise EmoStudioError(
                f"{self.info.name} answered with shape {outputs.shape} instead of {expected}",
                why="its labels do not fit its outputs",
                next_step="Import the model again with the right labels",
            )
        require_finite(outputs, self.info.name)
        return outputs


def require_finite(outputs: NDArray[np.floating], name: str) -> None:
    """Refuse a model that answers with anything but numbers.

    Raises
    ------
    EmoStudioError
        Naming the model.
    """
    if not np.isfinite(outputs).all():
        raise EmoStudioError(
            f"{name} answered with numbers that are not finite",
            why="its weights or its input scaling are broken",
            next_step="Import or train the model again",
        )


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return probabilities (N, K) for logits (N, K)."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32)
