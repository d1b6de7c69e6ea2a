"""A studio on an empty workspace with a worker that answers at once, without torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from emostudio.gui.theme import theme
from emostudio.qt import job_runner
from emostudio.qt.studio import Studio
from emostudio.workspace.store import Workspace

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")


@pytest.fixture
def fake_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start tests/gui/fake_worker.py instead of the engine."""
    monkeypatch.setattr(job_runner, "worker_command", lambda: (sys.executable, [str(FAKE_WORKER)]))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def studio(qapp: QApplication, workspace: Workspace, fake_worker: None) -> Iterator[Studio]:
    theme().install(qapp)
    made = Studio(workspace)
    yield made
    made.close(milliseconds=2_000)


@pytest.fixture
def texts() -> Callable[[object], str]:
    """Return all text a widget shows, as a user reads it."""
    from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

    from emostudio.gui.widgets.labels import ElidedLabel

    def read(widget: object) -> str:
        assert isinstance(widget, QWidget)
        words: list[str] = []
        for child in widget.findChildren(QWidget):
            if not child.isVisibleTo(widget):
                continue
            if isinstance(child, ElidedLabel):
                words.append(child.full_text())
            elif isinstance(child, QLabel | QAbstractButton):
                words.append(child.text())
        return "\n".join(words)

    return read
