"""Reports of the paper's experiments: written by the worker, never over a file unasked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from emostudio.core.events import Failed
from emostudio.core.jobs import PaperJob, PaperReportJob
from emostudio.gui.dialogs import ask_where, replacing
from emostudio.gui.pages.format_menu import add_formats, formats_of
from emostudio.gui.theme import theme
from emostudio.gui.widgets.note import Note
from emostudio.qt.studio import Studio


class PaperExporter(QObject):
    """Writes files and copies tables for the page.

    Parameters
    ----------
    note
        Told how it went.
    """

    def __init__(self, studio: Studio, note: Note, parent: QWidget) -> None:
        super().__init__(parent)
        self._studio, self._note, self._parent = studio, note, parent

    def menu(self, job: PaperJob) -> QMenu:
        """Return the file formats as a menu."""
        menu = QMenu(self._parent)
        theme().set_font(menu, "body")
        formats = formats_of(self._studio.catalogue)
        add_formats(menu, formats, lambda suffix: self._ask_where(job, suffix))
        return menu

    def export(self, job: PaperJob, path: Path) -> None:
        """Write a file; an existing one is replaced only if the user says so."""
        replacing(self._parent, path, lambda: self._write(job, path))

    def copy_latex(self, job: PaperJob) -> None:
        """Put a table on the clipboard as LaTeX."""
        folder = tempfile.TemporaryDirectory(prefix="emostudio-")
        out = Path(folder.name) / "table.tex"

        def on_answer(answer: dict[str, Any]) -> None:
            text = Path(str(answer["out"])).read_text(encoding="utf-8")
            QGuiApplication.clipboard().setText(text)
            folder.cleanup()
            self._note.show_note("ok", self.tr("The table is on the clipboard."))

        def on_error(failed: Failed) -> None:
            folder.cleanup()
            self._note.show_error(failed)

        self._studio.ask(PaperReportJob(study=job, out=str(out)), on_answer, on_error)

    def _ask_where(self, job: PaperJob, suffix: str) -> None:
        name = f"paper-{job.preset}.{suffix}"
        title = self.tr("Make report")
        ask_where(self._parent, title, name, suffix, lambda path: self.export(job, path))

    def _write(self, job: PaperJob, path: Path) -> None:
        def on_answer(answer: dict[str, Any]) -> None:
            words = self.tr("Saved {0}.").format(path.name)
            self._note.show_note("ok", words, str(answer.get("out", path)))

        self._note.show_note("info", self.tr("Writing {0}…").format(path.name))
        self._studio.ask(PaperReportJob(study=job, out=str(path)), on_answer, self._note.show_error)
