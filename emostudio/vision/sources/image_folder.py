"""A folder of pictures, one after the other, over and over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, setting
from emostudio.data.decode import DecodeError, decode_file, printable
from emostudio.data.walking import walk_pictures
from emostudio.vision.base import Frame, SourceError
from emostudio.vision.pacing import Pace

_MOST = 100_000


class ImageFolderSettings(Settings):
    """Settings of the picture folder."""

    fps: float = setting(
        2.0, title="Pictures per second", help="How fast the pictures follow each other", low=0.1,
        high=120,
    )  # fmt: skip


class ImageFolderCapture:
    """The pictures in turn; those that cannot be decoded are passed over."""

    def __init__(self, root: Path, paths: list[Path], fps: float) -> None:
        self._root = root
        self._paths = paths
        self._pace = Pace(fps)
        self._turn = self._pictures()

    def read(self) -> Frame:
        """Return the next picture."""
        self._pace.wait()
        return next(self._turn)

    def close(self) -> None:
        """Nothing to let go of."""

    def _pictures(self) -> Iterator[Frame]:
        while True:
            shown = 0
            for path in self._paths:
                began = time.perf_counter()
                try:
                    pixels = decode_file(path, self._root, full_size=True).pixels
                except DecodeError:
                    continue
                shown += 1
                if pixels.shape[2] == 1:
                    pixels = np.repeat(pixels, 3, axis=2)
                yield Frame(pixels, grab_ms=(time.perf_counter() - began) * 1e3)
            if not shown:
                raise SourceError(f"No picture in {printable(self._root)} can be decoded")


class ImageFolderSource:
    """Pictures from a folder, or a single picture."""

    key = "image_folder"
    title = "Picture folder"
    family = "files"
    summary = "Every picture below a folder in turn, or one picture"
    reference = ""
    settings_type = ImageFolderSettings

    def why_unavailable(self) -> str:
        """Return nothing: it works everywhere."""
        return ""

    def open(self, target: str, settings: ImageFolderSettings) -> ImageFolderCapture:
        """List the pictures."""
        path = Path(target).expanduser()
        if path.is_file():
            return ImageFolderCapture(path.parent, [path], settings.fps)
        if not path.is_dir():
            raise InputError(f"There is no folder {printable(path)}")
        found = (p for p in walk_pictures(path, path) if isinstance(p, Path))
        paths = list(islice(found, _MOST))
        if not paths:
            raise InputError(f"{printable(path)} holds no pictures")
        return ImageFolderCapture(path, paths, settings.fps)


SOURCE = ImageFolderSource()
