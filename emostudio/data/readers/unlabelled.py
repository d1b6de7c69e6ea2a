"""Pictures without labels: for labels-only distillation and for a look through a model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from emostudio.core.answers import Problem
from emostudio.data.base import ReaderSettings, Record
from emostudio.data.decode import printable
from emostudio.data.walking import item_name, walk_pictures

_ENDINGS = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})


class UnlabelledReader:
    """Reads every picture below a folder, or one picture."""

    key = "unlabelled"
    title = "Unlabelled pictures"
    family = "folders"
    summary = "Every picture below a folder, without labels"
    reference = ""
    settings_type = ReaderSettings

    def recognises(self, path: Path) -> float:
        """Return little: any other layout that fits is the better guess."""
        if path.is_file():
            return 0.1 if path.suffix.lower() in _ENDINGS else 0.0
        found = islice(walk_pictures(path, path), 1000)
        pictures = (p for p in found if isinstance(p, Path) and p.suffix.lower() in _ENDINGS)
        return 0.1 if next(pictures, None) else 0.0

    def expected(self, path: Path, settings: ReaderSettings) -> int | None:
        """Return 1 for a file, None for a folder."""
        del settings
        return 1 if path.is_file() else None

    def read(self, path: Path, settings: ReaderSettings) -> Iterator[Record | Problem]:
        """Yield every picture."""
        del settings
        if path.is_file():
            yield Record(item=printable(path.name), source=path)
            return
        for found in walk_pictures(path, path):
            if isinstance(found, Problem):
                yield found
            else:
                yield Record(item=item_name(found, path), source=found, root=path)


READER = UnlabelledReader()
