"""What a source of frames and a face detector are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import Emotion
from emostudio.core.errors import EmoStudioError
from emostudio.core.pickable import Pickable

Box = tuple[int, int, int, int]
"""A face: left, top, width and height in pixels."""


def enlarged(box: Sequence[float], zoom: float) -> Box:
    """Return a box found in a copy shrunk by `zoom` in pixels of the original."""
    left, top, width, height = (round(float(value) / zoom) for value in box[:4])
    return (left, top, width, height)


class SourceError(EmoStudioError):
    """A source that worked gives no frames any more; opening it again may help."""


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes
    ----------
    image
        Shape (H, W, 3) RGB.
    truth
        Faces and their emotions where the source knows them.
    grab_ms
        Milliseconds it took to decode or draw the frame, waiting for it not counted.
    """

    image: NDArray[np.uint8]
    truth: tuple[tuple[Box, Emotion], ...] = ()
    grab_ms: float = 0.0


class Capture(Protocol):
    """An opened source; used by one thread only."""

    def read(self) -> Frame:
        """Wait for the next frame and return it.

        Raises
        ------
        SourceError
            If there is none any more.
        """
        ...

    def close(self) -> None:
        """Let go of the device or file."""
        ...


class Source(Pickable, Protocol):
    """A kind of source. One file in ``vision/sources`` holds one, as ``SOURCE``."""

    def why_unavailable(self) -> str:
        """Return why the source cannot be used on this machine, or nothing."""
        ...

    def open(self, target: str, settings: Any) -> Capture:
        """Open the source.

        Parameters
        ----------
        target
            What follows the key in a source argument: an index, a name, a path, or nothing.
        settings
            An instance of `settings_type`.

        Raises
        ------
        InputError
            If it cannot be opened; says whether it is missing, busy or denied.
        """
        ...


class FaceFinder(Protocol):
    """An opened detector.

    Attributes
    ----------
    every
        Frames from one search to the next; faces stay where they are in between.
    """

    every: int

    def find(self, image: NDArray[np.uint8]) -> list[Box]:
        """Return the faces in a frame (H, W, 3) RGB, in any order."""
        ...


class Detector(Pickable, Protocol):
    """A kind of detector. One file in ``vision/detectors`` holds one, as ``DETECTOR``.

    Attributes
    ----------
    needs_file
        Whether it does nothing without a model file of the user's.
    """

    needs_file: bool

    def why_unavailable(self) -> str:
        """Return why the detector cannot be used on this machine, or nothing."""
        ...

    def open(self, file: Path | None, settings: Any) -> FaceFinder:
        """Make the detector ready.

        Parameters
        ----------
        file
            The user's model file, for detectors that need one.
        settings
            An instance of `settings_type`.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        ...
