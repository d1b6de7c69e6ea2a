"""Turn a data argument into a dataset, importing it once where needed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emostudio.core.answers import DataReport
from emostudio.core.errors import InputError
from emostudio.core.paths import safe_name
from emostudio.data.dataset import Dataset, is_dataset_folder
from emostudio.data.importing import (
    ImportRequest,
    choose_reader,
    dataset_name,
    import_dataset,
    inspect_source,
    no_report,
    reader_settings,
)
from emostudio.data.scanning import Report
from emostudio.data.synthetic.dataset import drawn_counts
from emostudio.data.synthetic.settings import SyntheticSettings

SYNTHETIC = "synthetic"


def open_dataset(argument: str, datasets_folder: Path, report: Report = no_report) -> Dataset:
    """Open the dataset a data argument names.

    Parameters
    ----------
    argument
        A dataset's name, a folder, a file of a known layout, or
        ``synthetic[:key=value,...]``. A name wins over a file of the same name in the current
        folder; write ``./name`` for the file.
    datasets_folder
        The workspace's folder of datasets. Sources are imported into it once; the same source
        with the same content is found again.
    report
        Told of progress; raises `JobCancelled`.

    Raises
    ------
    InputError
        If the argument names nothing that can be read.
    """
    folder, request = _place(argument, datasets_folder)
    if is_dataset_folder(folder):
        return Dataset(folder)
    return import_dataset(request, datasets_folder, report)


def imported_dataset(argument: str, datasets_folder: Path) -> Dataset | None:
    """Return the dataset a data argument names, None where it would have to be imported first.

    Parameters
    ----------
    argument, datasets_folder
        As for `open_dataset`.

    Raises
    ------
    InputError
        If the argument names nothing that can be read.
    """
    folder, _ = _place(argument, datasets_folder)
    return Dataset(folder) if is_dataset_folder(folder) else None


def split_counts(argument: str, datasets_folder: Path) -> dict[str, dict[str, int]] | None:
    """Return the pictures by split and emotion without importing anything.

    Parameters
    ----------
    argument, datasets_folder
        As for `open_dataset`.

    Returns
    -------
    As `DataReport.counts`; None where only an import can tell.
    """
    try:
        folder, request = _place(argument, datasets_folder)
    except InputError:  # the import itself will say what is wrong
        return None
    if is_dataset_folder(folder):
        return Dataset(folder).report.counts
    if request.reader == SYNTHETIC:
        return drawn_counts(SyntheticSettings.model_validate(request.settings))
    return None


def inspect(
    request: ImportRequest, datasets_folder: Path | None = None, report: Report = no_report
) -> DataReport:
    """Describe a data source without importing it; a dataset by name is described as imported.

    Parameters
    ----------
    request
        What to look at; `request.path` may be ``synthetic[:...]`` or a dataset's name.
    datasets_folder
        Where names of datasets are looked up; None knows no names.
    report
        Told of progress; raises `JobCancelled`.

    Raises
    ------
    InputError
        If the source cannot be read at all.
    """
    argument = str(request.path)
    if datasets_folder is not None and _is_plain_name(argument):
        named = datasets_folder / argument
        if is_dataset_folder(named):
            return Dataset(named).report
    made = request_for(argument, request.reader, request.settings, request.name)
    if made.reader != SYNTHETIC:
        if is_dataset_folder(made.path):
            return Dataset(made.path).report
        _check_exists(argument, made.path, datasets_folder)
    return inspect_source(replace(made, thumbnails=request.thumbnails), report)


def is_synthetic(argument: str) -> bool:
    """Whether a data argument asks for drawn faces."""
    return argument == SYNTHETIC or argument.startswith(f"{SYNTHETIC}:")


def synthetic_request(argument: str) -> ImportRequest:
    """Parse ``synthetic[:key=value,...]``.

    Raises
    ------
    InputError
        If a part is not ``key=value``.
    """
    _, _, tail = argument.partition(":")
    values: dict[str, str] = {}
    for part in filter(None, tail.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise InputError(
                f"Bad setting {part!r} in {argument}", next_step="Write synthetic:key=value,..."
            )
        values[key.strip()] = value.strip()
    return ImportRequest(Path(SYNTHETIC), reader=SYNTHETIC, settings=values)


def request_for(
    argument: str,
    reader: str | None = None,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> ImportRequest:
    """Return the import request for a data argument that is a path or ``synthetic[:...]``."""
    if is_synthetic(argument) and reader in {None, SYNTHETIC}:
        made = synthetic_request(argument)
        return replace(made, settings={**made.settings, **(settings or {})}, name=name)
    return ImportRequest(Path(argument).expanduser(), reader, settings or {}, name)


def _place(argument: str, datasets_folder: Path) -> tuple[Path, ImportRequest]:
    """Return the dataset's folder, and the import that makes it where it is not there yet."""
    named, path = datasets_folder / argument, Path(argument).expanduser()
    if _is_plain_name(argument) and is_dataset_folder(named):
        return named, ImportRequest(named)
    if is_synthetic(argument):
        request, content = synthetic_request(argument), ""
    elif is_dataset_folder(path):
        return path, ImportRequest(path)
    else:
        _check_exists(argument, path, datasets_folder)
        request, content = ImportRequest(path), _content_key(path)
    reader = choose_reader(request.path, request.reader)
    settings = reader_settings(reader, request.settings)
    key = {"reader": reader.key, "settings": settings.model_dump(mode="json"), "content": content}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:10]
    name = f"{safe_name(dataset_name(request.path))[:40]}-{digest}"
    return datasets_folder / name, replace(request, reader=reader.key, name=name)


def _content_key(path: Path) -> str:
    """Return a word that changes when files at `path` are added, removed or changed."""
    digest = hashlib.sha256(os.fsencode(path.absolute()))
    for name, size, changed in _entries(path):
        digest.update(os.fsencode(f"{name}\0{size}\0{changed}\n"))
    return digest.hexdigest()


def _entries(path: Path) -> Iterator[tuple[str, int, int]]:
    if not path.is_dir():
        status = path.stat()
        yield path.name, status.st_size, status.st_mtime_ns
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            try:
                status = os.lstat(f"{folder}{os.sep}{name}")
            except OSError:
                continue
            yield f"{folder}/{name}", status.st_size, status.st_mtime_ns


def _is_plain_name(argument: str) -> bool:
    return bool(argument) and argument == Path(argument).name and argument not in {".", ".."}


def _check_exists(argument: str, path: Path, datasets_folder: Path | None) -> None:
    if not argument.strip():
        raise InputError("No data was named", next_step="Give a folder, a file or a dataset's name")
    try:
        if path.exists():
            return
    except (OSError, ValueError) as error:
        raise InputError(f"{argument[:200]!r} is no usable path", why=str(error)) from error
    known = _known(datasets_folder)
    raise InputError(
        f"There is no file, folder or dataset called {argument}",
        next_step=f"Datasets in this workspace: {', '.join(known)}" if known else "Check the path",
    )


def _known(datasets_folder: Path | None) -> list[str]:
    if datasets_folder is None or not datasets_folder.is_dir():
        return []
    return sorted(f.name for f in datasets_folder.iterdir() if is_dataset_folder(f))
