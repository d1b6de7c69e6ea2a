"""FER2013 in its original form: ``emotion,pixels,Usage``, one picture of 48 x 48 grey per row."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import Problem
from emostudio.core.errors import InputError
from emostudio.core.settings import setting
from emostudio.data.base import ReaderSettings, Record, Split
from emostudio.data.csv_lines import MAX_LINE_BYTES, lines, open_table
from emostudio.data.decode import printable
from emostudio.data.labels import emotion_of, emotion_of_code

_BYTES_PER_ROW = 8_400
_PACKED_BYTES_PER_ROW = 2_690
_HEARTBEAT_ROWS = 500
_DIGITS = b"0123456789 "


class Fer2013Settings(ReaderSettings):
    """Settings of the FER2013 reader."""

    codes: Literal["fer2013", "ferplus", "affectnet", "ckplus", "canonical"] = setting(
        "fer2013", title="Meaning of codes", help="Data set whose codes the emotion column follows"
    )
    public_test: Literal["auto", "test", "validation"] = setting(
        "auto",
        title="PublicTest is",
        help="Auto: the test split, unless the file also holds PrivateTest",
    )


@dataclass(frozen=True)
class _Columns:
    emotion: int
    pixels: int
    usage: int | None
    count: int
    delimiter: str


class Fer2013Reader:
    """Reads FER2013 as CSV, plain, gzipped or zipped."""

    key = "fer2013_csv"
    title = "FER2013 (CSV)"
    family = "data sets"
    summary = "emotion,pixels,Usage; 48 x 48 grey pixels as text; .csv, .csv.gz or .zip"
    reference = "Goodfellow et al. 2013, arXiv:1307.0414"
    settings_type = Fer2013Settings

    def recognises(self, path: Path) -> float:
        """Return 1 where the header has an emotion and a pixels column."""
        if not path.is_file():
            return 0.0
        try:
            with open_table(path) as stream:
                _columns(stream.readline(MAX_LINE_BYTES), path)
        except InputError:
            return 0.0
        return 1.0

    def expected(self, path: Path, settings: Fer2013Settings) -> int | None:
        """Return the number of rows estimated from the size of the file."""
        del settings
        size = path.stat().st_size
        is_plain = path.suffix.lower() == ".csv"
        return max(1, size // (_BYTES_PER_ROW if is_plain else _PACKED_BYTES_PER_ROW))

    def read(self, path: Path, settings: Fer2013Settings) -> Iterator[Record | Problem | None]:
        """Yield one record per row; bad rows become problems with their line number."""
        splits = yield from _usage_splits(path, settings)
        with open_table(path) as stream:
            rows = lines(stream, printable(path))
            _, header = next(rows, (0, b""))
            columns = _columns(header or b"", path)
            for number, line in rows:
                if line == b"":
                    continue
                try:
                    yield _record(number, line, columns, splits, settings)
                except InputError as error:
                    what = f"{error.what}: {error.why}" if error.why else error.what
                    yield Problem(item=f"line {number}", what=what)


def _columns(header: bytes, path: Path) -> _Columns:
    text = header.decode("utf-8-sig", "replace").strip("\r\n")
    delimiter = next((d for d in ",;\t" if d in text), ",")
    names = [name.strip().strip('"').strip().lower() for name in text.split(delimiter)]
    for needed in ("emotion", "pixels"):
        if names.count(needed) != 1:
            raise InputError(
                f"{printable(path)} is no FER2013 table",
                why=f"its header has {names.count(needed)} columns called {needed}",
                next_step="The header should be emotion,pixels,Usage",
            )
    usage = names.index("usage") if "usage" in names else None
    return _Columns(names.index("emotion"), names.index("pixels"), usage, len(names), delimiter)


def _usage_splits(path: Path, settings: Fer2013Settings) -> Generator[None, None, dict[str, Split]]:
    public = {"test": Split.TEST, "validation": Split.VALIDATION}.get(settings.public_test)
    if public is None:
        has_private = yield from _holds_private_test(path)
        public = Split.VALIDATION if has_private else Split.TEST
    return {"training": Split.TRAIN, "publictest": public, "privatetest": Split.TEST}


def _holds_private_test(path: Path) -> Generator[None, None, bool]:
    with open_table(path) as stream:
        for number, line in lines(stream, printable(path)):
            if line is not None and b"privatetest" in line[-40:].lower():
                return True
            if number % _HEARTBEAT_ROWS == 0:
                yield
    return False


def _record(
    number: int,
    line: bytes | None,
    columns: _Columns,
    splits: dict[str, Split],
    settings: Fer2013Settings,
) -> Record:
    if line is None:
        raise InputError("the line is too long", why=f"more than {MAX_LINE_BYTES // 2**20} MiB")
    text = line.decode("ascii", "replace")
    try:
        cells = next(csv.reader([text], delimiter=columns.delimiter))
    except csv.Error as error:
        raise InputError("the line is no CSV", why=str(error)) from error
    if len(cells) != columns.count:
        raise InputError(f"{len(cells)} cells where the header has {columns.count}")
    label = cells[columns.emotion].strip()
    emotion = emotion_of(label) or emotion_of_code(label, settings.codes)
    split = None
    if columns.usage is not None:
        split = splits.get(cells[columns.usage].strip().lower())
        if split is None:
            raise InputError(f"unknown Usage {printable(cells[columns.usage][:40])!r}")
    pixels = _pixels(cells[columns.pixels])
    return Record(item=f"line {number}", source=pixels, label=label, emotion=emotion, split=split)


def _pixels(cell: str) -> NDArray[np.uint8]:
    text = cell.strip().encode("ascii", "replace")
    if text.translate(None, _DIGITS):
        raise InputError("the pixels are not all whole numbers from 0 to 255")
    values = np.fromstring(text, dtype=np.int64, sep=" ") if text else np.zeros(0, np.int64)
    side = isqrt(len(values))
    if side * side != len(values) or side == 0:
        raise InputError(f"{len(values)} pixels, which is not a square such as 48 x 48 = 2304")
    if int(values.max()) > 255:
        raise InputError("a pixel is larger than 255")
    return values.astype(np.uint8).reshape(side, side)


READER = Fer2013Reader()
