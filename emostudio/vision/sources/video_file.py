"""A video file, played at its own rate, over and over."""

from __future__ import annotations

import time
from pathlib import Path
from typing import BinaryIO

import cv2

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, setting
from emostudio.data.decode import printable
from emostudio.vision.base import Frame, SourceError
from emostudio.vision.pacing import Pace

_USUAL_FPS = 25.0


class VideoFileSettings(Settings):
    """Settings of the video file."""

    fps: float = setting(
        0.0, title="Frame rate", help="0 keeps the rate of the file", low=0, high=240
    )


class VideoFileCapture:
    """The playing file."""

    def __init__(self, stream: BinaryIO, capture: cv2.VideoCapture, fps: float) -> None:
        self._stream = stream
        self._capture = capture
        self._pace = Pace(fps)

    def read(self) -> Frame:
        """Return the next frame, the first one after the last."""
        self._pace.wait()
        began = time.perf_counter()
        good, image = self._capture.read()
        if not good:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            good, image = self._capture.read()
        if not good:
            raise SourceError("The video gives no frames any more")
        return Frame(
            cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (), (time.perf_counter() - began) * 1e3
        )

    def close(self) -> None:
        """Close the file."""
        self._capture.release()
        self._stream.close()


class VideoFileSource:
    """A video file that FFmpeg can read."""

    key = "video_file"
    title = "Video file"
    family = "files"
    summary = "Plays a video at its own rate, over and over"
    reference = ""
    settings_type = VideoFileSettings

    def why_unavailable(self) -> str:
        """Return why OpenCV cannot play files here, or nothing."""
        if cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBufferedBackends():
            return ""
        return "this OpenCV was built without FFmpeg"

    def open(self, target: str, settings: VideoFileSettings) -> VideoFileCapture:
        """Open the file; OpenCV gets the open file, never its path."""
        path = Path(target).expanduser()
        name = printable(path)
        if not path.is_file():
            raise InputError(f"There is no video file {name}")
        try:
            stream = path.open("rb")
        except OSError as error:
            raise InputError(f"{name} cannot be read", why=error.strerror or "") from error
        try:
            # An open file is taken for an IStreamReader, which the stubs do not know.
            capture = cv2.VideoCapture(stream, cv2.CAP_FFMPEG, [])  # type: ignore[call-overload]
        except cv2.error as error:
            stream.close()
            raise InputError(f"{name} cannot be played", why="it is no video") from error
        if not capture.isOpened():
            stream.close()
            raise InputError(
                f"{name} cannot be played",
                why="it is no video, or in a format that is not known here",
                next_step="Convert it to MP4",
            )
        rate = settings.fps or capture.get(cv2.CAP_PROP_FPS)
        return VideoFileCapture(stream, capture, rate if 0 < rate <= 240 else _USUAL_FPS)


SOURCE = VideoFileSource()
