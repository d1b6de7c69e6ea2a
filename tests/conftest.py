"""What every test gets: no display, no files of the user, no child processes left behind."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before anything imports Qt, numba or OpenMP.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
_STATE = tempfile.mkdtemp(prefix="emostudio-tests-")
atexit.register(shutil.rmtree, _STATE, ignore_errors=True)
os.environ["EMOSTUDIO_STATE"] = str(Path(_STATE) / "state")
os.environ["EMOSTUDIO_WORKSPACE"] = str(Path(_STATE) / "workspace")

import psutil  # noqa: E402 - the environment has to be set first
import pytest  # noqa: E402 - the environment has to be set first

_CHILD_WAIT_S = 5.0


@pytest.fixture(autouse=True)
def _quiet_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTUDIO_STATE", str(tmp_path / "emostudio-state"))
    monkeypatch.setenv("EMOSTUDIO_WORKSPACE", str(tmp_path / "emostudio-workspace"))
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
        sys.modules["torch"].set_num_threads(1)
    if "PySide6.QtCore" in sys.modules:
        sys.modules["PySide6.QtCore"].QStandardPaths.setTestModeEnabled(True)


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [
        child
        for child in psutil.Process().children(recursive=True)
        if child.pid not in before
        and not _is_zombie(child)
        and "resource_tracker" not in " ".join(_words(child))
    ]
    _, alive = psutil.wait_procs(left, timeout=_CHILD_WAIT_S)
    alive = [child for child in alive if not _is_zombie(child)]
    for child in alive:
        child.kill()
    assert not alive, f"processes left behind: {[_words(child) for child in alive]}"


def _is_zombie(child: psutil.Process) -> bool:
    # Ended, but nobody has asked for its exit code yet: nothing of it runs any more.
    try:
        return bool(child.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _words(child: psutil.Process) -> list[str]:
    try:
        return child.cmdline()
    except psutil.Error:
        return []
