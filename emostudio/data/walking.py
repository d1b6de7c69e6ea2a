"""Walk folders of pictures: fixed order, no loops, nothing outside the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from emostudio.core.answers import Problem
from emostudio.data.decode import printable

_NO_PICTURES = frozenset(
    {".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml"}
    | {".html", ".htm", ".db", ".ini", ".log", ".pdf", ".py", ".mat", ".npy", ".npz", ".doc"}
    | {".docx", ".xls", ".xlsx", ".zip", ".gz", ".tar", ".sha256", ".md5", ".url", ".lnk"}
)
"""Endings of files that lie beside pictures on purpose; they are passed over in silence."""


def walk_pictures(folder: Path, root: Path) -> Iterator[Path | Problem]:
    """Yield every file below `folder` that claims to be a picture, sorted within each folder.

    Files are not opened here. Folders are entered once, links to folders only where they stay
    inside `root`; hidden files and files with the ending of a document are passed over.

    Parameters
    ----------
    folder
        Where to look.
    root
        Folder that links must not lead out of; names in problems are relative to it.
    """
    # A link back to the root would bring other classes' pictures under this one's label.
    yield from _walk(
        folder,
        root,
        _identities([root, *(root / above for above in folder.relative_to(root).parents)]),
    )


def item_name(path: Path, root: Path) -> str:
    """Return a picture's printable name: its path below `root` with forward slashes."""
    try:
        relative = path.relative_to(root)
    except ValueError:
        relative = path
    return printable(relative.as_posix())


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, hidden ones left out; unreadable ones have none."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _identities(folders: list[Path]) -> set[tuple[int, int]]:
    found = set()
    for folder in folders:
        with suppress(OSError):
            status = folder.stat()
            found.add((status.st_dev, status.st_ino))
    return found


def _walk(folder: Path, root: Path, visited: set[tuple[int, int]]) -> Iterator[Path | Problem]:
    try:
        status = folder.stat()
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        reason = f"the folder cannot be read: {error.strerror}"
        yield Problem(item=item_name(folder, root), what=reason)
        return
    visited.add((status.st_dev, status.st_ino))
    for entry in listed:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if not _is_folder(entry):
            if path.suffix.lower() not in _NO_PICTURES:
                yield path
            continue
        reason = _why_not_entered(path, root, visited)
        if reason:
            yield Problem(item=item_name(path, root), what=reason)
        else:
            yield from _walk(path, root, visited)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _why_not_entered(path: Path, root: Path, visited: set[tuple[int, int]]) -> str:
    try:
        target = path.resolve(strict=True)
        status = target.stat()
    except (OSError, RuntimeError):
        return "a link that leads nowhere"
    if not target.is_relative_to(root.resolve()):
        return "a link that leads out of the folder"
    if (status.st_dev, status.st_ino) in visited:
        return "the folder was read already"
    return ""
