"""Drives the machine card: asks for what is known, starts, follows and cancels the probe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from emostudio.core.events import Cancelled, Event, Failed, Finished, Progress
from emostudio.core.jobs import JobStatus, MachineCardJob, ProbeJob
from emostudio.core.machine_card import MachineCardReport
from emostudio.gui.dialogs import ask_where, replacing
from emostudio.gui.pages.home_machine import MachineCard
from emostudio.gui.theme import theme
from emostudio.gui.widgets.note import Note
from emostudio.qt.studio import Studio
from emostudio.workspace.records import RunRecord

FORMATS = (
    ("json", "JSON", "everything, to rank the methods for this machine elsewhere"),
    ("csv", "CSV", "readings and ranking as a table"),
)


class Probing(QObject):
    """Connects the card with the studio.

    Parameters
    ----------
    note
        Told how an export went.
    """

    def __init__(self, studio: Studio, card: MachineCard, note: Note, parent: QWidget) -> None:
        super().__init__(parent)
        self._studio, self._card, self._note, self._window = studio, card, note, parent
        self._run = ""  # the last one: its end may be seen in the catalogue before it is told
        self._is_asked = False
        card.measure_asked.connect(self.measure)
        card.cancel_asked.connect(self.cancel)
        card.set_menu(self._menu())
        studio.run_event.connect(self._on_event)

    def ask(self) -> None:
        """Ask once what is known about this machine."""
        if not self._is_asked:
            self._is_asked = True
            self._studio.ask(MachineCardJob(), self._on_known, self._note.show_error)

    def measure(self) -> None:
        """Start the probe, unless one runs or waits already."""
        if not self._card.probe.is_running:
            self._card.show_waiting()
            self._run = self._studio.submit(ProbeJob())

    def cancel(self) -> None:
        """Stop the probe; what was known stays."""
        if self._card.probe.is_running:
            self._studio.cancel(self._run)

    def follow(self, runs: Sequence[RunRecord]) -> None:
        """Take up a probe that runs or waits, and let go of one that ended without a word."""
        active = next((run for run in runs if run.kind == "probe" and run.is_active), None)
        if active is None:
            ours = any(run.id == self._run for run in runs)
            if ours and self._card.probe.is_running:
                self._card.show_ended()
                self._is_asked = False  # it may have been another program's
                self.ask()
            return
        self._run = active.id
        if active.status == JobStatus.QUEUED:
            self._card.show_waiting()
        else:
            self._card.show_progress(active.fraction, active.message, active.seconds_left)

    def export(self, path: Path) -> None:
        """Write the card; an existing file is replaced only if the user says so."""
        replacing(self._window, path, lambda: self._write(path))

    def _on_known(self, answer: dict[str, Any]) -> None:
        self._card.show_report(MachineCardReport.model_validate(answer))

    def _on_event(self, run_id: str, event: Event) -> None:
        if run_id != self._run:
            return
        if isinstance(event, Progress):
            self._card.show_progress(event.fraction, event.message, event.seconds_left)
        elif isinstance(event, Finished):
            self._card.show_ended()
            self._card.show_report(MachineCardReport.model_validate(event.result))
        elif isinstance(event, Failed):
            self._card.show_failed(event.what, event.why)
        elif isinstance(event, Cancelled):
            self._card.show_ended()

    def _menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setToolTipsVisible(True)
        theme().set_font(menu, "body")
        for suffix, name, purpose in FORMATS:
            action = QAction(f"{name}…", menu)
            action.setToolTip(purpose)
            action.triggered.connect(lambda _=False, suffix=suffix: self._ask_where(suffix))
            menu.addAction(action)
        return menu

    def _ask_where(self, suffix: str) -> None:
        title = self.tr("Export machine card")
        ask_where(self._window, title, f"machine-card.{suffix}", suffix, self.export)

    def _write(self, path: Path) -> None:
        def on_answer(answer: dict[str, Any]) -> None:
            words = self.tr("Saved {0}.").format(path.name)
            self._note.show_note("ok", words, str(answer.get("out", path)))

        self._studio.ask(MachineCardJob(out=str(path)), on_answer, self._note.show_error)
