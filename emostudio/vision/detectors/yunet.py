"""YuNet: a small network that finds turned and small faces too; its ONNX file is the user's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, setting
from emostudio.vision.base import Box, enlarged

_SEARCH_SIDE = 320
_MAX_FILE_BYTES = 2**26


class YunetSettings(Settings):
    """Settings of the YuNet detector."""

    every: int = setting(
        1, title="Search every", help="Faces stay put in between", unit="frames", low=1, high=60
    )
    score: float = setting(
        0.6, title="Least score", help="Higher finds fewer false faces", low=0.1, high=0.99
    )


class YunetFinder:
    """A loaded network."""

    def __init__(self, network: cv2.FaceDetectorYN, every: int) -> None:
        self.every = every
        self._network = network

    def find(self, image: NDArray[np.uint8]) -> list[Box]:
        """Search a copy of at most 320 pixels."""
        height, width = image.shape[:2]
        zoom = min(1.0, _SEARCH_SIDE / max(height, width))
        small = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if zoom < 1:
            size = (round(width * zoom), round(height * zoom))
            small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
        self._network.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._network.detect(small)
        if found is None:
            return []
        return [enlarged(row, zoom) for row in found]


class YunetDetector:
    """OpenCV's FaceDetectorYN."""

    key = "yunet"
    title = "YuNet"
    family = "network"
    summary = "Small network from OpenCV's model zoo; choose its ONNX file"
    reference = "Wu, Peng and Yu 2023, Machine Intelligence Research 20"
    settings_type = YunetSettings
    needs_file = True

    def why_unavailable(self) -> str:
        """Return why this OpenCV cannot run it, or nothing."""
        return "" if hasattr(cv2, "FaceDetectorYN") else "this OpenCV has no FaceDetectorYN"

    def open(self, file: Path | None, settings: YunetSettings) -> YunetFinder:
        """Load the network from the file's bytes and try it once."""
        if file is None:
            raise InputError(
                "YuNet needs its model file",
                next_step="Choose face_detection_yunet_*.onnx from OpenCV's model zoo",
            )
        try:
            if file.stat().st_size > _MAX_FILE_BYTES:
                raise InputError(f"{file.name} is no YuNet model", why="it is far too large")
            content = np.frombuffer(file.read_bytes(), dtype=np.uint8)
        except OSError as error:
            raise InputError(f"{file.name} cannot be read", why=error.strerror or "") from error
        nothing = np.zeros(0, dtype=np.uint8)
        try:
            network = cv2.FaceDetectorYN.create(
                "onnx", content, nothing, (_SEARCH_SIDE, _SEARCH_SIDE), settings.score, 0.3, 100
            )
            finder = YunetFinder(network, settings.every)
            finder.find(np.zeros((96, 128, 3), dtype=np.uint8))
        except (cv2.error, SystemError) as error:
            raise InputError(f"{file.name} is no YuNet model") from error
        return finder


DETECTOR = YunetDetector()
