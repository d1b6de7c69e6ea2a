"""What the window remembers between starts: geometry, workspaces, folders. Not the user's work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QSettings

from emostudio.core.paths import state_folder

_MOST = 10


def window_state() -> QSettings:
    """Return the store of the window's state."""
    return QSettings(str(state_folder() / "window.ini"), QSettings.Format.IniFormat)


def recent_workspaces() -> list[tuple[Path, datetime]]:
    """Return the workspaces opened last with the time, newest first; some may be gone."""
    text = window_state().value("workspaces", "[]", type=str)
    try:
        entries = json.loads(str(text))
        return [(Path(folder), datetime.fromisoformat(opened)) for folder, opened in entries]
    except (ValueError, TypeError):
        return []


def note_workspace(folder: Path) -> None:
    """Put a workspace at the top of the list."""
    others = [entry for entry in recent_workspaces() if entry[0] != folder]
    entries = [(folder, datetime.now(UTC)), *others][:_MOST]
    document = [(str(path), opened.isoformat()) for path, opened in entries]
    window_state().setValue("workspaces", json.dumps(document))


def last_folder() -> str:
    """Return the folder the user chose a file from last."""
    return str(window_state().value("last_folder", str(Path.home()), type=str))


def note_folder(path: str) -> None:
    """Remember where a chosen file lies."""
    window_state().setValue("last_folder", str(Path(path).parent))


def note_stopped(workspace: Path, run_ids: Sequence[str]) -> None:
    """Remember which runs end with the window, to offer them again."""
    state = window_state()
    known = _stopped()
    known.pop(str(workspace), None)
    if run_ids:
        known[str(workspace)] = list(run_ids)
    state.setValue("stopped", json.dumps(known))
    state.sync()


def take_stopped(workspace: Path) -> tuple[str, ...]:
    """Return, once, the runs that ended with the last window."""
    run_ids = _stopped().get(str(workspace), ())
    note_stopped(workspace, ())
    return tuple(map(str, run_ids))


def _stopped() -> dict[str, list[str]]:
    try:
        known = json.loads(str(window_state().value("stopped", "{}", type=str)))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
