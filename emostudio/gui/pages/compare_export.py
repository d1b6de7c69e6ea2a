"""Files of a comparison: chosen, never overwritten unasked, written by the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from emostudio.core.events import Failed
from emostudio.core.jobs import CompareJob
from emostudio.core.paths import safe_name
from emostudio.gui.dialogs import Question
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio

FORMATS = (
    ("pdf", "PDF", "for reading and printing"),
    ("html", "HTML", "one page with everything"),
    ("svg", "SVG", "chart as drawing"),
    ("png", "PNG", "chart as picture"),
    ("csv", "CSV", "table of numbers"),
    ("tex", "LaTeX", "table for a paper"),
    ("json", "JSON", "everything, for programs"),
)


class Exporter(QObject):
    """Writes comparison files for a page.

    Signals
    -------
    started
        Path of the file being written.
    written
        Path of the file.
    failed
        A `core.events.Failed`.
    """

    started = Signal(str)
    written = Signal(str)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._studio = studio
        self._parent = parent

    def menu(self, choose: Callable[[str], object], copy: Callable[[], object]) -> QMenu:
        """Return the formats as a menu, and copying as its last entry."""
        menu = QMenu(self._parent)
        menu.setToolTipsVisible(True)
        theme().set_font(menu, "body")
        for suffix, name, purpose in FORMATS:
            action = QAction(f"{name}…", menu)
            action.setToolTip(purpose)
            action.triggered.connect(lambda _=False, suffix=suffix: choose(suffix))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction(self.tr("Copy table as text"), copy)
        return menu

    def ask_where(self, suffix: str, models: Sequence[str], data: str, title: str) -> None:
        """Let the user choose a file."""
        dialog = QFileDialog(self._parent, self.tr("Export comparison"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setDefaultSuffix(suffix)
        dialog.setNameFilters([f"{suffix.upper()} (*.{suffix})"])
        dialog.selectFile(f"{safe_name(title)}.{suffix}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda file: self.export(Path(file), models, data, title))
        dialog.open()

    def export(self, path: Path, models: Sequence[str], data: str, title: str) -> None:
        """Write a file; an existing one is replaced only if the user says so."""
        if not path.exists():
            self._write(path, models, data, title)
            return

        def on_answer(key: str) -> None:
            if key == "replace":
                self._write(path, models, data, title)

        question = Question(
            self._parent,
            self.tr("Replace {0}?").format(path.name),
            self.tr("There is already a file of this name in {0}.").format(path.parent),
            [("", self.tr("Keep it"), "default"), ("replace", self.tr("Replace"), "primary")],
            on_answer,
        )
        question.open()

    def _write(self, path: Path, models: Sequence[str], data: str, title: str) -> None:
        job = CompareJob(models=tuple(models), out=str(path), data=data or None, title=title)

        def on_answer(answer: dict[str, Any]) -> None:
            self.written.emit(str(answer.get("out", path)))

        def on_error(failed: Failed) -> None:
            self.failed.emit(failed)

        self.started.emit(str(path))
        self._studio.ask(job, on_answer, on_error)
