"""What is told about a run: where it stands, how it ended, and what it was asked to do."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel

from emostudio.core.events import Note as NoteEvent
from emostudio.core.jobs import JobStatus
from emostudio.core.units import format_duration
from emostudio.gui.pages.jobs_rows import describe_time, elapsed_seconds
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card, fact
from emostudio.gui.widgets.note import Note
from emostudio.qt.run_history import RunHistory
from emostudio.workspace.records import RunRecord


def _tr(text: str) -> str:
    return QCoreApplication.translate("JobsPage", text)


class FactsCard(Card):
    """Time, epoch, best error, recipe step and checkpoint of a run."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout()
        row.setSpacing(SPACE.xl)
        self._facts: dict[str, QLabel] = {}
        for key, name in (
            ("elapsed", _tr("Elapsed")),
            ("left", _tr("Left")),
            ("epoch", _tr("Epoch")),
            ("best", _tr("Best validation error")),
            ("stage", _tr("Recipe step")),
            ("checkpoint", _tr("Checkpoint")),
        ):
            holder, self._facts[key] = fact(name)
            row.addWidget(holder)
        row.addStretch(1)
        self.body.addLayout(row)

    def show_run(self, run: RunRecord, history: RunHistory) -> None:
        """Show where a run stands."""
        elapsed = elapsed_seconds(run)
        best = history.best_error()
        stage = history.stage
        shown = {
            "elapsed": format_duration(elapsed) if elapsed is not None else "–",
            "left": format_duration(run.seconds_left) if run.seconds_left else "–",
            "epoch": f"{history.epoch} of {history.epoch_count}" if history.epoch_count else "–",
            "best": f"{best[0]:.1f} %, epoch {best[1]}" if best else "–",
            "stage": f"{stage.index + 1} of {stage.count}, {stage.title}" if stage else "–",
            "checkpoint": f"step {history.checkpoint.step:,}" if history.checkpoint else "–",
        }
        for key, text in shown.items():
            self._facts[key].setText(text)


class RunNote(Note):
    """Why a run ended early, or what it warned of."""

    def __init__(self) -> None:
        super().__init__()
        self.hide()

    def show_run(self, run: RunRecord, history: RunHistory) -> None:
        """Show the failure or the newest warning of a run, or nothing."""
        notes = [note for note in history.notes if note.level != "info"]
        if run.status == JobStatus.FAILED and history.failure is not None:
            self.show_error(history.failure)
        elif run.status in {JobStatus.FAILED, JobStatus.LOST} and run.error:
            self.show_note("warn", _tr("This run ended early."), run.error)
        elif notes:
            newest: NoteEvent = notes[-1]
            rest = " ".join(
                f"{part.rstrip('.')}." for part in (newest.why, newest.next_step) if part
            )
            self.show_note("warn", f"{newest.what.rstrip('.')}.", rest)
        else:
            self.show_note("info", "")


def facts_line(run: RunRecord) -> str:
    """Say what a run was asked to do, on what, and when."""
    document = run.job.model_dump()
    parts = [run.kind.replace("_", " ").capitalize()]
    for key, word in (("teacher", "from {0}"), ("data", "on {0}"), ("seed", "seed {0}")):
        if document.get(key) is not None:
            parts.append(word.format(document[key]))
    parts.append(describe_time(run.created))
    return ", ".join(parts)
