"""Drawn faces as a data set, made from a seed whenever they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emostudio.core.answers import Problem
from emostudio.data.base import Record
from emostudio.data.synthetic.dataset import draw_faces
from emostudio.data.synthetic.settings import SyntheticSettings


class SyntheticReader:
    """Draws the faces it reads; splits are by person."""

    key = "synthetic"
    title = "Synthetic faces"
    family = "built in"
    summary = "Drawn faces from a seed: any number of people, 8 emotions, 5 cameras, 3 gazes"
    reference = "Stands in for Langner et al. 2010; expressions after Friesen and Ekman 1983"
    settings_type = SyntheticSettings

    def recognises(self, path: Path) -> float:
        """Return 0: drawn faces are asked for by name, never found on a disk."""
        del path
        return 0.0

    def expected(self, path: Path, settings: SyntheticSettings) -> int | None:
        """Return the exact number of pictures."""
        del path
        return settings.image_count

    def read(self, path: Path, settings: SyntheticSettings) -> Iterator[Record | Problem]:
        """Yield the pictures as pixels, person by person."""
        del path
        for face in draw_faces(settings):
            yield Record(
                item=face.file_name,
                source=face.image,
                label=face.emotion.value,
                emotion=face.emotion,
                split=face.split,
                subject=str(face.subject),
            )


READER = SyntheticReader()
