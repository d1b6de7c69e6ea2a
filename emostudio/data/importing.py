"""Import a data source: decode once, write a dataset folder, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import psutil
from numpy.typing import NDArray

from emostudio.core.answers import DataReport
from emostudio.core.atomic import atomic_file, write_json
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.paths import safe_name
from emostudio.core.settings import parse_settings
from emostudio.data.base import Reader, ReaderSettings
from emostudio.data.catalogue import READERS
from emostudio.data.dataset import MANIFEST, PIXELS, VERSION, Dataset, is_dataset_folder
from emostudio.data.reporting import Layout, describe, lay_out
from emostudio.data.scanning import Report, Scan, scan

_UNFINISHED = ".importing-"


def no_report(fraction: float, message: str) -> None:
    """Take progress and do nothing with it."""
    del fraction, message


@dataclass(frozen=True)
class ImportRequest:
    """What to import and how.

    Attributes
    ----------
    path
        File or folder; for readers that make their pictures, any word.
    reader
        Catalogue key; None lets every reader look at `path`.
    settings
        Reader settings as JSON values or command-line strings.
    name
        Name of the dataset; None derives one from `path`.
    thumbnails
        Number of small pictures in the report.
    """

    path: Path
    reader: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    thumbnails: int = 24


def choose_reader(path: Path, key: str | None = None) -> Reader:
    """Return the reader called `key`, or the one that recognises `path` best.

    Raises
    ------
    InputError
        If `path` does not exist or no reader recognises it.
    """
    if key is not None:
        return READERS.get(key)
    if not path.exists():
        raise InputError(f"There is no {path}", next_step="Check the path")
    scores = {reader.key: reader.recognises(path) for reader in READERS.members().values()}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] <= 0:
        empty = path.is_dir() and not any(path.iterdir())
        raise InputError(
            f"No dataset layout was recognised in {path}",
            why="the folder is empty" if empty else "it looks like none of the known layouts",
            next_step=f"Choose a reader yourself: {', '.join(scores)}",
        )
    return READERS.get(best)


def reader_settings(reader: Reader, values: Mapping[str, Any]) -> ReaderSettings:
    """Check settings for a reader; see `core.settings.parse_settings`."""
    settings = parse_settings(reader.settings_type, values, f"reader {reader.key}")
    if not isinstance(settings, ReaderSettings):
        raise TypeError(f"The settings of reader {reader.key} are no ReaderSettings")
    return settings


def inspect_source(request: ImportRequest, report: Report = no_report) -> DataReport:
    """Look at a source without importing it: every picture is decoded, none is kept.

    Raises
    ------
    InputError
        If the source cannot be read at all.
    JobCancelled
        Through `report`.
    """
    reader = choose_reader(request.path, request.reader)
    settings = reader_settings(reader, request.settings)
    found = scan(request.path, reader, settings, lambda pixels: None, report)
    layout = lay_out(found, settings)
    return describe(
        found,
        layout,
        reader,
        name=request.name or dataset_name(request.path),
        path=request.path,
        thumbnails=request.thumbnails,
    )


def import_dataset(
    request: ImportRequest, datasets_folder: Path, report: Report = no_report
) -> Dataset:
    """Decode a source into a dataset folder.

    Everything is written beside the final place and renamed at the end: an import that is
    cancelled, killed or out of disk leaves no dataset.

    Raises
    ------
    InputError
        If the source cannot be read at all, or the name is taken.
    JobCancelled
        Through `report`.
    """
    reader = choose_reader(request.path, request.reader)
    settings = reader_settings(reader, request.settings)
    suggested = dataset_name(request.path)
    name = safe_name(request.name) if request.name else _free_name(datasets_folder, suggested)
    folder = datasets_folder / name
    if folder.exists():
        raise InputError(
            f"There already is a dataset called {name}",
            next_step="Choose another name or delete the old dataset",
        )
    _sweep(datasets_folder)
    temporary = unfinished_folder(folder)
    shutil.rmtree(temporary, ignore_errors=True)  # of a dead process that had the same number
    try:
        temporary.mkdir(parents=True)
        with atomic_file(temporary / PIXELS) as stream:
            found = scan(request.path, reader, settings, lambda p: stream.write(p.data), report)
        report(0.99, "Writing the index")
        layout = lay_out(found, settings)
        answer = describe(
            found, layout, reader, name=name, path=request.path, thumbnails=request.thumbnails
        )
        answer = answer.model_copy(update={"folder": str(folder)})
        _write(temporary, found, layout, answer)
        _put_in_place(temporary, folder)
    except OSError as error:
        raise EmoStudioError(
            f"Could not import {request.path}",
            why=error.strerror or str(error),
            next_step="Free some space or choose another workspace; nothing was left behind",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Dataset(folder)


def unfinished_folder(folder: Path) -> Path:
    """Return where a dataset is built before it is renamed; the next import clears dead ones."""
    return folder.with_name(f"{_UNFINISHED}{os.getpid()}-{folder.name}")


def dataset_name(path: Path) -> str:
    """Return the name a source suggests: its file name without endings."""
    stem = path.absolute().name
    for ending in (".gz", ".zip", ".csv"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    return safe_name(stem)


def _free_name(datasets_folder: Path, name: str) -> str:
    candidates = (name if number == 1 else f"{name}-{number}" for number in range(1, 10_000))
    return next(c for c in candidates if not (datasets_folder / c).exists())


def _write(folder: Path, found: Scan, layout: Layout, answer: DataReport) -> None:
    index = _index(found)[layout.kept]
    arrays: dict[str, NDArray[Any]] = {
        "index": index,
        "emotions": layout.emotions,
        "splits": layout.splits,
        "subjects": layout.subjects,
    }
    if layout.dropped:
        index[:, 0] = _compact(folder / PIXELS, index)
    digest = hashlib.sha256()
    for name, array in arrays.items():
        with atomic_file(folder / f"{name}.npy") as stream:
            np.save(stream, array, allow_pickle=False)
        digest.update(array.tobytes())
    digest.update(np.array(found.copies, dtype=np.uint64)[layout.kept].tobytes())
    manifest = {
        "version": VERSION,
        "name": answer.name,
        "source": answer.path,
        "reader": answer.reader,
        "fingerprint": digest.hexdigest(),
        "labels": answer.labels,
        "report": answer.model_dump(mode="json"),
        "items": layout.items,
    }
    write_json(folder / MANIFEST, manifest)


def _index(found: Scan) -> NDArray[np.int64]:
    """Offset, height, width and channels of every scanned picture, shape (N, 4)."""
    shapes = np.array(found.shapes, dtype=np.int64).reshape(-1, 3)
    ends = np.cumsum(shapes.prod(axis=1))
    offsets = np.concatenate([[0], ends[:-1]])
    return np.column_stack([offsets, shapes])


def _compact(path: Path, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rewrite the pixel file with the indexed pictures only; return their new offsets."""
    lengths = index[:, 1:].prod(axis=1)
    with path.open("rb") as old, atomic_file(path) as new:
        for offset, length in zip(index[:, 0].tolist(), lengths.tolist(), strict=True):
            _copy(old, new, offset, length)
    ends = np.cumsum(lengths)
    return np.concatenate([[0], ends[:-1]])


def _copy(old: BinaryIO, new: BinaryIO, offset: int, length: int) -> None:
    old.seek(offset)
    new.write(old.read(length))


def _put_in_place(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        if not is_dataset_folder(folder):
            raise
        # Another process imported the same source in the meantime: its dataset serves as well.


def _sweep(datasets_folder: Path) -> None:
    """Remove what imports of dead processes left behind."""
    with suppress(OSError):
        for folder in datasets_folder.glob(f"{_UNFINISHED}*"):
            owner = folder.name.removeprefix(_UNFINISHED).split("-")[0]
            if not (owner.isdigit() and psutil.pid_exists(int(owner))):
                shutil.rmtree(folder, ignore_errors=True)
