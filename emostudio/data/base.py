"""What a dataset reader is: it turns one layout into records and problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import Problem
from emostudio.core.emotions import Emotion
from emostudio.core.pickable import Pickable
from emostudio.core.settings import Settings, setting


class Split(IntEnum):
    """Part of a dataset; the value is what `Dataset.splits` holds."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2

    @property
    def word(self) -> str:
        """Name on the command line and in reports."""
        return self.name.lower()


@dataclass(frozen=True)
class Record:
    """One picture as a reader found it.

    Attributes
    ----------
    item
        Stable, printable name of the picture: a relative path or ``row 12``.
    source
        File to read, encoded bytes, or decoded pixels uint8 (H, W) or (H, W, 3) RGB.
    label
        Label as it stands in the source; empty where there is none.
    emotion
        Canonical emotion; None without a label, or where the label has no canonical emotion
        (then the picture is dropped and the label map says so).
    split
        Official split, None where the source declares none.
    subject
        Person, None where unknown.
    root
        For files: the folder that links must not lead out of.
    square
        Whether only the central square of the picture is kept.
    """

    item: str
    source: Path | bytes | NDArray[np.uint8]
    label: str = ""
    emotion: Emotion | None = None
    split: Split | None = None
    subject: str | None = None
    root: Path | None = None
    square: bool = False


class ReaderSettings(Settings):
    """What every reader can be told: how to split and what to do with an eighth class."""

    seed: int = setting(
        0, title="Split seed", help="Decides which pictures go where", low=0, high=2**31 - 1
    )
    validation_share: float = setting(
        0.1,
        title="Validation share",
        help="Part of the training pictures kept for choosing settings",
        low=0.01,
        high=0.5,
    )
    test_share: float = setting(
        0.2,
        title="Test share",
        help="Part kept for the final figures where the source has no test split",
        low=0.01,
        high=0.8,
    )
    contempt: Literal["keep", "drop", "merge"] = setting(
        "keep",
        title="Contempt",
        help="Keep it as eighth class, drop its pictures, or merge it into disgust",
    )
    duplicates: Literal["keep", "drop"] = setting(
        "keep",
        title="Duplicates across splits",
        help="Keep and report them, or drop the copies that are not in the test split",
    )


class Reader(Pickable, Protocol):
    """A dataset layout. One file in ``data/readers`` holds one, as ``READER``."""

    def recognises(self, path: Path) -> float:
        """Return how sure the reader is that `path` is its layout, 0 (no) to 1 (certain)."""
        ...

    def read(self, path: Path, settings: Any) -> Iterator[Record | Problem | None]:
        """Yield the pictures at `path` and what had to be skipped, in a fixed order.

        None means that it is still at work: without it, long searches could not be cancelled.

        Parameters
        ----------
        path
            File or folder; readers that make their pictures ignore it.
        settings
            An instance of `settings_type` (a `ReaderSettings`).

        Raises
        ------
        InputError
            If nothing at all can be read.
        """
        ...

    def expected(self, path: Path, settings: Any) -> int | None:
        """Return about how many records `read` will yield, None if unknown; for progress."""
        ...
