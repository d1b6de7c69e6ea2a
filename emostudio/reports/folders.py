"""Folders that a report fills: whole or not at all, and nothing in them that is not its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from emostudio.core.atomic import atomic_folder, write_json
from emostudio.core.errors import InputError
from emostudio.core.paths import safe_name

MARKER = "emostudio-report.json"
"""Lists what a report put into its folder; the next report takes that away."""

REPORT_RUN = "(report)"
"""The run that holds a report's own charts: `folder_names` never gives it to a model."""

_KEY = "written"


@contextmanager
def report_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that takes the place of the earlier report at `path`, once it is complete.

    What others put beside an earlier report is taken over.

    Yields
    ------
    An empty folder, to be filled.

    Raises
    ------
    InputError
        If there is a folder that is not empty and no report's, or what others put there is in the
        way.
    EmoStudioError
        If the disk refuses; the earlier report is intact.
    """
    others = _foreign(path)
    with atomic_folder(path) as new:
        yield new
        written = sorted(entry.name for entry in new.iterdir())
        for entry in others:
            if entry.name in written:
                raise _refused(path, f"it holds another {entry.name} already")
            if entry.is_dir() and not entry.is_symlink():
                shutil.copytree(entry, new / entry.name, symlinks=True)
            else:
                shutil.copy2(entry, new / entry.name, follow_symlinks=False)
        write_json(new / MARKER, {_KEY: written})


def folder_names(names: Iterable[str]) -> list[str]:
    """Return a folder name for each run, all different even where case does not count."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = safe_name(name)
        unique, number = plain, 2
        while unique.lower() in taken:
            unique, number = f"{plain}-{number}", number + 1
        taken.add(unique.lower())
        found.append(unique)
    return found


def _foreign(path: Path) -> list[Path]:
    """Return what lies at `path` without having been written by a report."""
    if not path.is_dir():
        return []
    entries = list(path.iterdir())
    if not entries:
        return []
    try:
        owned = json.loads((path / MARKER).read_text("utf-8"))[_KEY]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _refused(path, "it is not empty, and no report wrote it") from error
    if not isinstance(owned, list):
        raise _refused(path, f"{MARKER} in it is damaged")
    return [entry for entry in entries if entry.name not in {*map(str, owned), MARKER}]


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"The report was not written to {path}",
        why=why,
        next_step="Choose a new or empty folder",
    )
