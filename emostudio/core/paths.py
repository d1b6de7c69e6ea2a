"""Where things live."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs

_RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def resource_path(*parts: str) -> Path:
    """Return the path of a file shipped with the program."""
    return _RESOURCES.joinpath(*parts)


def default_workspace() -> Path:
    """Return the user's own workspace folder (``EMOSTUDIO_WORKSPACE`` overrides it)."""
    override = os.environ.get("EMOSTUDIO_WORKSPACE")
    if override:
        return Path(override).expanduser()
    return Path(platformdirs.user_data_dir("emostudio", appauthor=False)) / "workspace"


def state_folder() -> Path:
    """Return the folder for logs and window state (``EMOSTUDIO_STATE`` overrides it)."""
    override = os.environ.get("EMOSTUDIO_STATE")
    if override:
        return Path(override).expanduser()
    return Path(platformdirs.user_state_dir("emostudio", appauthor=False))


def safe_name(text: str) -> str:
    """Turn any text into a name that is safe as a file name on every system."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60]
    return cleaned or "unnamed"
