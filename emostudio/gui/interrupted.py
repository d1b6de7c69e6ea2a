"""Runs that an earlier window left behind: which they are, and the offer to resume them."""

from __future__ import annotations

from PySide6.QtCore import QObject

from emostudio.core.jobs import JobStatus
from emostudio.gui.recent import note_stopped, take_stopped
from emostudio.gui.widgets.note import Note
from emostudio.qt.studio import Studio


class Interrupted(QObject):
    """Remembers what runs, so that the next window can offer it even when this one is killed."""

    def __init__(self, studio: Studio, notice: Note, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._notice = notice
        self._to_resume: tuple[str, ...] = ()
        self._remembered = ""
        self._is_stopped = False
        studio.runs_changed.connect(self._remember)

    def offer(self, lost: tuple[str, ...]) -> None:
        """Show how many runs can be resumed: those found `lost`, and those left behind."""
        self._to_resume = self._left_behind(lost)
        count = len(self._to_resume)
        if count:
            self._notice.show_note(
                "warn",
                self.tr("{0} jobs were interrupted.").format(count)
                if count > 1
                else self.tr("One job was interrupted."),
                self.tr("Nothing is lost: they go on from their last checkpoint.")
                if count > 1
                else self.tr("Nothing is lost: it goes on from its last checkpoint."),
                self.tr("Resume"),
            )

    def resume(self) -> None:
        """Take up all that were offered."""
        for run_id in self._to_resume:
            self._studio.resume(run_id)

    def stop(self) -> None:
        """Keep what runs now as what the next window offers."""
        self._remember()
        self._is_stopped = True

    def _left_behind(self, lost: tuple[str, ...]) -> tuple[str, ...]:
        """Return what died, what the last window ran, and what still waits, oldest first."""
        workspace = self._studio.workspace
        known = {*lost, *take_stopped(workspace.folder)}
        runs = reversed(workspace.runs())
        return tuple(
            run.id
            for run in runs
            if run.status == JobStatus.QUEUED or (run.status == JobStatus.LOST and run.id in known)
        )

    def _remember(self) -> None:
        current = self._studio.queue.current
        if current != self._remembered and not self._is_stopped:
            self._remembered = current
            note_stopped(self._studio.workspace.folder, [current] if current else [])
