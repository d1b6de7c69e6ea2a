"""No search at all: the whole frame is the face; for pictures that were cropped already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emostudio.core.settings import Settings
from emostudio.vision.base import Box


class WholeFrameSettings(Settings):
    """The whole frame takes no settings."""


class WholeFrameFinder:
    """Finds one face as large as the frame."""

    every = 1

    def find(self, image: NDArray[np.uint8]) -> list[Box]:
        """Return the frame's outline."""
        return [(0, 0, image.shape[1], image.shape[0])]


class WholeFrameDetector:
    """Takes the frame for a face."""

    key = "whole_frame"
    title = "Whole frame"
    family = "none"
    summary = "No detector: the frame is the face"
    reference = ""
    settings_type = WholeFrameSettings
    needs_file = False

    def why_unavailable(self) -> str:
        """Return nothing: it works everywhere."""
        return ""

    def open(self, file: Path | None, settings: WholeFrameSettings) -> WholeFrameFinder:
        """Return the finder."""
        del file, settings
        return WholeFrameFinder()


DETECTOR = WholeFrameDetector()
