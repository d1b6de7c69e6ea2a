"""Where an export may go: never over something it does not own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from emostudio.core.errors import InputError
from emostudio.exports.base import PARITY_FILE, Exporter
from emostudio.exports.onnx_file import FORMAT
from emostudio.exports.runner import MANIFEST
from emostudio.exports.running import RUNNER_FILE, runner_source

_REPLACE = "Choose another name, or allow it to be replaced (--force)"


def require_free_place(out: Path, exporter: Exporter, *, replace: bool, runner: bool) -> None:
    """Check, before any work, that an export may be written to `out`.

    Raises
    ------
    InputError
        If something is there that may not be replaced, or the folder cannot be written to.
    """
    _require_writable(out)
    if exporter.suffix:
        _require_free_file(out, replace=replace)
    else:
        _require_free_folder(out, replace=replace)
    beside = out.parent / RUNNER_FILE
    if runner and not replace and beside.exists() and beside.read_bytes() != runner_source():
        raise InputError(
            f"There is already another {beside.name} in {out.parent}", next_step=_REPLACE
        )


def _require_writable(out: Path) -> None:
    """Look at the nearest folder that is there: it would hold what is missing."""
    folder = out.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        why = f"{folder} is a file, not a folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        why = f"the folder {folder} may not be written to"
    else:
        return
    raise InputError(f"{out.name} cannot be written", why=why, next_step="Choose another folder")


def _require_free_file(out: Path, *, replace: bool) -> None:
    if out.is_dir():
        raise InputError(
            f"{out.name} cannot be written",
            why="there is a folder of this name",
            next_step="Choose another name",
        )
    if out.exists() and not replace:
        raise InputError(f"There is already a file {out}", next_step=_REPLACE)


def _require_free_folder(out: Path, *, replace: bool) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(
            f"The folder {out.name} cannot be made",
            why="there is a file of this name",
            next_step="Choose another name",
        )
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not _is_export(out):
        raise InputError(
            f"{out} was not replaced",
            why="it holds files that no export wrote",
            next_step="Choose a new or empty folder",
        )
    if not replace:
        raise InputError(f"There is already an export in {out}", next_step=_REPLACE)


def _is_export(folder: Path) -> bool:
    """Whether a folder holds an export and nothing else, so that nothing is lost with it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        parts = {str(part["file"]) for part in manifest["segments"]}
        is_ours = manifest["metadata"]["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        return False
    known = {*parts, MANIFEST, RUNNER_FILE, PARITY_FILE}
    return is_ours and all(entry.name in known for entry in folder.iterdir())
