"""A camera of this machine, by index or by name."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cv2_enumerate_cameras import enumerate_cameras
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, setting
from emostudio.vision.base import Frame, SourceError

_OPEN_TIMEOUT_MS, _READ_TIMEOUT_MS = 4000, 2000
_STALE_S = 2.0
_BACKENDS = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_MSMF, "darwin": cv2.CAP_AVFOUNDATION}


class CameraSettings(Settings):
    """Settings of the camera."""

    width: int = setting(
        640, title="Width", help="Wished frame width", unit="px", low=160, high=3840
    )
    height: int = setting(
        480, title="Height", help="Wished frame height", unit="px", low=120, high=2160
    )
    fps: float = setting(30.0, title="Frame rate", help="Wished frames per second", low=1, high=120)


@dataclass(frozen=True)
class Camera:
    """A camera as the system lists it."""

    index: int
    name: str


def cameras() -> list[Camera]:
    """Return the cameras of this machine; empty where there are none."""
    try:
        found = enumerate_cameras(_BACKENDS.get(sys.platform, cv2.CAP_ANY))
    except (OSError, RuntimeError, ValueError):  # a driver that cannot be asked
        return []
    known: dict[int, Camera] = {}
    for camera in found:
        known.setdefault(camera.index, Camera(camera.index, camera.name))
    return list(known.values())


class CameraCapture:
    """An open camera.

    Parameters
    ----------
    device
        An opened ``cv2.VideoCapture``, or anything with its ``grab``, ``retrieve``, ``release``.
    name
        The camera's name for messages.
    clock
        Seconds, for the test of pictures that stand still.
    """

    def __init__(self, device: Any, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._device = device
        self._name = name
        self._clock = clock
        self._last: NDArray[np.uint8] | None = None
        self._changed = clock()

    def read(self) -> Frame:
        """Wait for the camera and return its picture."""
        if not self._device.grab():
            raise SourceError(f"{self._name} gives no picture", why="unplugged or taken away")
        began = time.perf_counter()
        good, image = self._device.retrieve()
        if not good or image is None or image.size == 0:
            raise SourceError(f"{self._name} gives empty pictures")
        self._check_alive(image)
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.ndim == 3 else cv2.COLOR_GRAY2RGB)
        return Frame(rgb, (), (time.perf_counter() - began) * 1e3)

    def close(self) -> None:
        """Switch the camera off."""
        self._device.release()

    def _check_alive(self, image: NDArray[np.uint8]) -> None:
        """Notice drivers that repeat the last picture after the camera was unplugged."""
        sample = image[::16, ::16].copy()
        if self._last is None or not np.array_equal(sample, self._last):
            self._last, self._changed = sample, self._clock()
        elif self._clock() - self._changed > _STALE_S and sample.any():
            raise SourceError(f"{self._name} repeats one picture", why="it may be unplugged")


class CameraSource:
    """A webcam or capture device."""

    key = "camera"
    title = "Camera"
    family = "devices"
    summary = "A camera of this machine, by index or by a part of its name"
    reference = ""
    settings_type = CameraSettings

    def why_unavailable(self) -> str:
        """Return that there is no camera, or nothing."""
        return "" if cameras() else "no camera was found"

    def open(self, target: str, settings: CameraSettings) -> CameraCapture:
        """Open the camera, asking for size and rate; it may answer with others."""
        camera = find_camera(target, cameras())
        backend = _BACKENDS.get(sys.platform, cv2.CAP_ANY)
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_TIMEOUT_MS,
        ]  # fmt: skip
        device = cv2.VideoCapture(camera.index, backend, limits)
        if not device.isOpened():  # some drivers refuse to hear of timeouts
            device = cv2.VideoCapture(camera.index, backend)
        if not device.isOpened():
            raise _not_opened(camera)
        device.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        device.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        device.set(cv2.CAP_PROP_FPS, settings.fps)
        device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return CameraCapture(device, camera.name)


def find_camera(target: str, found: list[Camera]) -> Camera:
    """Return the camera with an index or with `target` in its name; the first one for nothing.

    Raises
    ------
    InputError
        If there is none at all, or none that fits.
    """
    if not found:
        raise InputError(
            "No camera was found", next_step="Plug one in, or use the source synthetic or a video"
        )
    if not target:
        return found[0]
    for camera in found:
        if target == str(camera.index) or target.lower() in camera.name.lower():
            return camera
    names = ", ".join(f"{camera.index} {camera.name}" for camera in found)
    raise InputError(f"There is no camera {target}", next_step=f"Cameras here: {names}")


def _not_opened(camera: Camera) -> InputError:
    device = Path(f"/dev/video{camera.index}")
    if sys.platform == "linux" and device.exists() and not os.access(device, os.R_OK | os.W_OK):
        return InputError(
            f"The camera {camera.name} may not be used",
            why=f"you have no right to open {device}",
            next_step="Join the group video and log in again",
        )
    return InputError(
        f"The camera {camera.name} could not be opened",
        why="another program is using it, or the system denies access",
        next_step="Close other programs that use the camera and check its privacy setting",
    )


SOURCE = CameraSource()
