"""Files of a comparison: chosen, never overwritten unasked, written by the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu, QWidget

from emostudio.core.events import Failed
from emostudio.core.jobs import CompareJob
from emostudio.core.measured import NO_LIMITS, Limits
from emostudio.core.paths import safe_name
from emostudio.gui.dialogs import ask_where, replacing
from emostudio.gui.pages.format_menu import add_formats, formats_of
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio


@dataclass(frozen=True)
class Wanted:
    """What a file is to hold: models, whose accuracies, heading, and one chart or everything."""

    models: tuple[str, ...]
    data: str
    title: str
    chart: str = ""
    limits: Limits = NO_LIMITS


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

    def menu(self, wanted: Wanted, copy: Callable[[], object]) -> QMenu:
        """Return the formats as a menu; whole reports offer to copy the table, too."""
        menu = QMenu(self._parent)
        theme().set_font(menu, "body")
        formats = formats_of(self._studio.catalogue, for_charts=bool(wanted.chart))
        add_formats(menu, formats, lambda suffix: self.ask_where(suffix, wanted))
        menu.addSeparator()
        words = self.tr("Copy numbers as text") if wanted.chart else self.tr("Copy table as text")
        menu.addAction(words, copy)
        return menu

    def ask_where(self, suffix: str, wanted: Wanted) -> None:
        """Let the user choose a file."""
        name = f"{wanted.title} {wanted.chart}" if wanted.chart else wanted.title
        proposed = f"{safe_name(name)}.{suffix}"
        title = self.tr("Export comparison")
        ask_where(self._parent, title, proposed, suffix, lambda path: self.export(path, wanted))

    def export(self, path: Path, wanted: Wanted) -> None:
        """Write a file; an existing one is replaced only if the user says so."""
        replacing(self._parent, path, lambda: self._write(path, wanted))

    def _write(self, path: Path, wanted: Wanted) -> None:
        job = CompareJob(
            models=wanted.models,
            out=str(path),
            data=wanted.data or None,
            title=wanted.title,
            limits=wanted.limits,
            chart=wanted.chart,
        )

        def on_answer(answer: dict[str, Any]) -> None:
            self.written.emit(str(answer.get("out", path)))

        def on_error(failed: Failed) -> None:
            self.failed.emit(failed)

        self.started.emit(str(path))
        self._studio.ask(job, on_answer, on_error)
