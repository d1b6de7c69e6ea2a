"""A network camera or stream, by its address."""

from __future__ import annotations

import time

import cv2

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, setting
from emostudio.vision.base import Frame, SourceError

SCHEMES = ("rtsp", "rtsps", "http", "https")
"""Kinds of address that are opened; FFmpeg would also read files and pipes."""


class StreamSettings(Settings):
    """Settings of the stream."""

    timeout_s: float = setting(
        4.0, title="Timeout", help="How long to wait for the host", unit="s", low=0.5, high=60
    )


class StreamCapture:
    """The open stream."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    def read(self) -> Frame:
        """Wait for the next frame and return it."""
        if not self._capture.grab():
            raise SourceError("The stream gives no picture", why="the host may be gone")
        began = time.perf_counter()
        good, image = self._capture.retrieve()
        if not good:
            raise SourceError("The stream gives damaged pictures")
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return Frame(rgb, (), (time.perf_counter() - began) * 1e3)

    def close(self) -> None:
        """Hang up."""
        self._capture.release()


class StreamSource:
    """A stream that FFmpeg can read."""

    key = "stream"
    title = "Network stream"
    family = "devices"
    summary = "A network camera by its rtsp or http address"
    reference = ""
    settings_type = StreamSettings

    def why_unavailable(self) -> str:
        """Return why OpenCV cannot read streams here, or nothing."""
        if cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends():
            return ""
        return "this OpenCV was built without FFmpeg"

    def open(self, target: str, settings: StreamSettings) -> StreamCapture:
        """Connect, giving up after the timeout."""
        scheme = target.partition("://")[0].lower()
        if scheme not in SCHEMES or not (target.isascii() and target.isprintable()):
            raise InputError(
                f"{target[:200]!r} is no address of a stream",
                next_step=f"Write one that begins with {', '.join(SCHEMES)}",
            )
        wait_ms = round(settings.timeout_s * 1e3)
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait_ms,
        ]  # fmt: skip
        capture = cv2.VideoCapture(target, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            raise InputError(
                "The stream could not be opened",
                why="the host does not answer, or it sends no video",
                next_step="Check the address and whether it asks for a password",
            )
        return StreamCapture(capture)


SOURCE = StreamSource()
