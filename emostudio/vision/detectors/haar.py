"""Viola-Jones on Haar features: ships inside OpenCV, finds frontal faces, needs no file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, setting
from emostudio.vision.base import Box, enlarged

_CASCADE = "haarcascade_frontalface_default.xml"
_SEARCH_SIDE = 320
"""Longest side in pixels at which faces are searched: half of a 640 x 480 frame."""


class HaarSettings(Settings):
    """Settings of the Haar detector."""

    every: int = setting(
        3, title="Search every", help="A search is slow; faces stay put in between", unit="frames",
        low=1, high=60,
    )  # fmt: skip
    smallest: float = setting(
        0.12, title="Smallest face", help="Share of the frame's height", low=0.02, high=0.9
    )
    neighbours: int = setting(
        5, title="Strictness", help="Higher finds fewer false faces", low=1, high=20, advanced=True
    )


class HaarFinder:
    """A loaded cascade."""

    def __init__(self, cascade: cv2.CascadeClassifier, settings: HaarSettings) -> None:
        self.every = settings.every
        self._cascade = cascade
        self._settings = settings

    def find(self, image: NDArray[np.uint8]) -> list[Box]:
        """Search a grey copy of at most 320 pixels."""
        height, width = image.shape[:2]
        zoom = min(1.0, _SEARCH_SIDE / max(height, width))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if zoom < 1:
            size = (round(width * zoom), round(height * zoom))
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        side = max(16, round(self._settings.smallest * grey.shape[0]))
        found = self._cascade.detectMultiScale(
            cv2.equalizeHist(grey), 1.15, self._settings.neighbours, minSize=(side, side)
        )
        return [enlarged(box, zoom) for box in found]


class HaarDetector:
    """OpenCV's frontal face cascade."""

    key = "haar"
    title = "Haar cascade"
    family = "classic"
    summary = "Ships inside OpenCV; frontal faces only"
    reference = "Viola and Jones 2001, CVPR"
    settings_type = HaarSettings
    needs_file = False

    def why_unavailable(self) -> str:
        """Return why this OpenCV has no cascades, or nothing."""
        if not hasattr(cv2, "CascadeClassifier") or not _cascade_file().is_file():
            return "this OpenCV ships without Haar cascades"
        return ""

    def open(self, file: Path | None, settings: HaarSettings) -> HaarFinder:
        """Load the cascade that ships with OpenCV, or the user's own."""
        path = file or _cascade_file()
        try:
            text = path.read_text("utf-8")
            storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
            cascade = cv2.CascadeClassifier()
            is_loaded = cascade.read(storage.getFirstTopLevelNode())
        except (OSError, ValueError, SystemError, cv2.error) as error:
            raise InputError(f"The cascade {path.name} cannot be read") from error
        if not is_loaded or cascade.empty():
            raise InputError(f"{path.name} is no Haar cascade")
        return HaarFinder(cascade, settings)


def _cascade_file() -> Path:
    return Path(cv2.__file__).parent / "data" / _CASCADE


DETECTOR = HaarDetector()
