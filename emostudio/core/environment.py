"""What must be right before the program starts; looks at installed packages, imports none."""

from __future__ import annotations

import os
import sys
from importlib import metadata

from emostudio.core.errors import EmoStudioError

_OPENCV_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_PYSIDE_WHEELS = ("PySide6-Essentials", "PySide6")


def check() -> None:
    """Refuse to start where the program is known to crash.

    Raises
    ------
    EmoStudioError
        Naming the package and the remedy.
    """
    found = faults()
    if found:
        raise found[0]


def faults() -> list[EmoStudioError]:
    """Return everything that is wrong with the installed packages."""
    return [fault for fault in (_pyside_fault(), _opencv_fault()) if fault is not None]


def has_display() -> bool:
    """Return whether a window can be shown."""
    if sys.platform in {"win32", "darwin"}:
        return True
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    if chosen.startswith(("offscreen", "minimal", "vnc")):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _pyside_fault() -> EmoStudioError | None:
    """PySide6 6.12 loses references to None and True, which only Python 3.12 survives."""
    if sys.version_info >= (3, 12):
        return None
    for wheel in _PYSIDE_WHEELS:
        version = version_of(wheel)
        if version.split(".")[:2] == ["6", "12"]:
            python = ".".join(map(str, sys.version_info[:2]))
            return EmoStudioError(
                f"{wheel} {version} cannot be used with Python {python}",
                why="it aborts the process after a few thousand calls",
                next_step="Install another version: pip install 'PySide6-Essentials>=6.10,<6.12'",
            )
    return None


def _opencv_fault() -> EmoStudioError | None:
    """Two OpenCV wheels write into the same folder; whichever came last has broken the other."""
    installed = [wheel for wheel in _OPENCV_WHEELS if version_of(wheel)]
    if len(installed) < 2:
        return None
    return EmoStudioError(
        f"Two OpenCV packages are installed: {' and '.join(installed)}",
        why="they overwrite each other's files",
        next_step=f"Keep one: pip uninstall {' '.join(installed)}, then "
        "pip install 'opencv-python>=4.13,<5'",
    )


def version_of(name: str) -> str:
    """Return the version of an installed distribution; empty if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
