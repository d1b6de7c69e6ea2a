"""Radboud Faces Database: everything is in the file name.

``Rafd090_28_Caucasian_male_angry_frontal.jpg``: camera angle, person, group, sex, emotion, gaze.
The pictures may not be passed on; only this reader ships. Synthetic faces are exported under the
same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from emostudio.core.answers import Problem
from emostudio.core.settings import setting
from emostudio.data.base import ReaderSettings, Record
from emostudio.data.decode import printable
from emostudio.data.labels import emotion_of
from emostudio.data.walking import item_name, walk_pictures

_NAME = re.compile(
    r"rafd(?P<angle>\d{3})_(?P<person>\d{1,9})_(?P<group>[a-z]+)_(?P<sex>female|male)"
    r"_(?P<emotion>[a-z]+)_(?P<gaze>left|frontal|right)\.\w{2,5}",
    re.IGNORECASE | re.ASCII,
)

_ANGLES = {
    "frontal": frozenset({"090"}),
    "frontal_and_45": frozenset({"045", "090", "135"}),
    "all": frozenset({"000", "045", "090", "135", "180"}),
}


class RafdSettings(ReaderSettings):
    """Settings of the RaFD reader."""

    angles: Literal["frontal", "frontal_and_45", "all"] = setting(
        "frontal_and_45", title="Camera angles", help="The paper uses frontal and 45 degrees"
    )
    gaze: Literal["frontal", "all"] = setting(
        "all", title="Gaze", help="Straight into the camera only, or aside as well"
    )
    square: bool = setting(
        True,
        title="Central square",
        help="Keep the middle of the tall photographs, so that faces are not squeezed",
    )


class RafdReader:
    """Reads RaFD file names; splits are by person."""

    key = "rafd"
    title = "RaFD"
    family = "data sets"
    summary = "Radboud Faces Database: 67 people, 8 emotions, 5 cameras, 3 gazes, by file name"
    reference = "Langner et al. 2010, Cognition and Emotion 24(8)"
    settings_type = RafdSettings

    def recognises(self, path: Path) -> float:
        """Return 0.9 where at least half of the first pictures follow the name grammar."""
        if not path.is_dir():
            return 0.0
        found = [p for p in islice(walk_pictures(path, path), 200) if isinstance(p, Path)]
        matches = sum(_NAME.fullmatch(p.name) is not None for p in found)
        return 0.9 if found and 2 * matches >= len(found) else 0.0

    def expected(self, path: Path, settings: RafdSettings) -> int | None:
        """Return None: counting would cost as much as listing."""
        del path, settings
        return None

    def read(self, path: Path, settings: RafdSettings) -> Iterator[Record | Problem]:
        """Yield the pictures of the chosen angles and gazes."""
        for found in walk_pictures(path, path):
            if isinstance(found, Problem):
                yield found
                continue
            match = _NAME.fullmatch(found.name)
            if match is None:
                what = "the name does not follow RaFD's grammar"
                yield Problem(item=item_name(found, path), what=what)
            elif _is_wanted(match, settings):
                yield _record(found, path, match, settings)


def _is_wanted(match: re.Match[str], settings: RafdSettings) -> bool:
    if match["angle"] not in _ANGLES[settings.angles]:
        return False
    return settings.gaze == "all" or match["gaze"].lower() == "frontal"


def _record(path: Path, root: Path, match: re.Match[str], settings: RafdSettings) -> Record:
    label = printable(match["emotion"].lower())
    return Record(
        item=item_name(path, root),
        source=path,
        label=label,
        emotion=emotion_of(label),
        subject=str(int(match["person"])),
        root=root,
        square=settings.square,
    )


READER = RafdReader()
