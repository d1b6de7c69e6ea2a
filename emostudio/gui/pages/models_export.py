"""Export of a model: format, place, and how closely the written file agrees with the model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QWidget

from emostudio.core.answers import CatalogueEntry
from emostudio.core.events import Failed
from emostudio.core.exported import DEPLOYMENT, ExportReport, parity_words
from emostudio.core.jobs import ExportJob
from emostudio.core.paths import safe_name
from emostudio.core.units import format_bytes
from emostudio.gui.dialogs import is_taken, replacing
from emostudio.gui.recent import last_folder, note_folder
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import plain
from emostudio.gui.widgets.form_dialog import FormDialog
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.gui.widgets.note import Tone
from emostudio.qt.studio import Studio


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelsExport", text)


class ExportDialog(FormDialog):
    """Asks for a format and a place, and shows what the check of the written file found.

    Parameters
    ----------
    model
        Name of the model.
    refusals
        Why the model cannot be exported, by format.
    """

    def __init__(
        self, parent: QWidget, studio: Studio, model: str, refusals: Mapping[str, str]
    ) -> None:
        super().__init__(
            parent,
            _tr("Export {0}").format(model),
            _tr(
                "The file is held against the model on 256 pictures before it is kept: nothing is "
                "written that answers otherwise."
            ),
        )
        self.resize(720, 460)
        self._studio, self._model, self._refusals = studio, model, refusals
        self._question = ""
        catalogue = studio.catalogue
        self._entries = {entry.key: entry for entry in catalogue.exporters} if catalogue else {}
        self.format = QComboBox()
        self.add_row(self.tr("Format"), self.format, "")
        self.summary = label("", "small", "text2", wrap=True)
        self.inner.addWidget(self.summary)
        self.path = QLineEdit()
        self.path.textEdited.connect(lambda _text: self._check())
        self.choose = button(self.tr("Choose"), on_click=self._ask_where)
        self.add_row(self.tr("Write to"), self._with_button(), "")
        self.runner = QCheckBox(self.tr("Also write a Python program that runs the file"))
        self.runner.setToolTip(self.tr("It needs numpy and onnxruntime, and nothing else"))
        self.inner.addWidget(self.runner)
        self.refused = label(self._refused_words(), "small", "text3", wrap=True)
        self.inner.addWidget(self.refused)
        self.add_buttons(self.tr("Export"))
        self._fill()
        self.format.currentIndexChanged.connect(self._on_format)
        self._on_format()
        self.finished.connect(lambda _code: self._forget())

    def job(self, *, replace: bool = False) -> ExportJob:
        """Return what is asked for."""
        return ExportJob(
            model=self._model,
            out=self.path.text().strip(),
            to=self.format.currentData(),
            replace=replace,
            runner=not self.runner.isHidden() and self.runner.isChecked(),
        )

    def finish(self) -> None:
        """Ask the engine; what is there is replaced only if the user says so."""
        out = Path(self.path.text().strip()).expanduser()
        replacing(self, out, partial(self._start, replace=is_taken(out)))

    def _start(self, *, replace: bool) -> None:
        self.ok.setEnabled(False)
        note_folder(self.path.text().strip())
        words = self.tr("Exporting {0} and checking that it answers alike").format(self._model)
        self.note.show_note("info", words)
        job = self.job(replace=replace)
        self._question = self._studio.ask(job, self._on_answer, self._on_refused)

    def _on_answer(self, answer: dict[str, Any]) -> None:
        self._question = ""
        report = ExportReport.model_validate(answer)
        name = Path(report.file).name
        beside = ", ".join(Path(file).name for file in report.files if file != report.file)
        lines = [
            f"{format_bytes(report.disk_bytes)}; {parity_words(report.parity)}.",
            *(f"{note}." for note in report.notes),
            self.tr("Also written: {0}").format(beside),
        ]
        tone: Tone = "warn" if report.notes else "ok"
        self.note.show_note(tone, self.tr("{0} was written.").format(name), "\n".join(lines))
        self.ok.setEnabled(True)
        self.cancel.setText(self.tr("Close"))

    def _on_refused(self, failed: Failed) -> None:
        self._question = ""
        self.note.show_error(failed)
        self.ok.setEnabled(True)

    def _forget(self) -> None:
        if self._question:
            self._studio.forget(self._question)

    def _fill(self) -> None:
        rows = self.format.model()
        for entry in self._entries.values():
            self.format.addItem(entry.title, entry.key)
            reason = self._refusals.get(entry.key, "")
            if reason and isinstance(rows, QStandardItemModel):
                rows.item(self.format.count() - 1).setEnabled(False)
        usable = [key for key in self._entries if key not in self._refusals]
        usable.sort(key=lambda key: self._entries[key].family != DEPLOYMENT)
        self.format.setCurrentIndex(self.format.findData(usable[0]) if usable else -1)

    def _refused_words(self) -> str:
        titles = {key: entry.title for key, entry in self._entries.items()}
        return "\n".join(
            self.tr("Not as {0}: {1}.").format(titles[key], reason)
            for key, reason in self._refusals.items()
            if key in titles
        )

    def _with_button(self) -> QWidget:
        holder = plain()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.s)
        self.path.setMinimumWidth(260)
        self.path.setAccessibleName(self.tr("Write to"))
        row.addWidget(self.path, 1)
        row.addWidget(self.choose)
        return holder

    def _entry(self) -> CatalogueEntry | None:
        return self._entries.get(self.format.currentData() or "")

    def _on_format(self) -> None:
        entry = self._entry()
        self.summary.setText(entry.summary if entry is not None else "")
        if entry is not None:
            current = self.path.text().strip()
            folder = Path(current).parent if current else Path(last_folder())
            self.path.setText(str(folder / self._proposed(entry)))
            set_shown(self.runner, entry.family == DEPLOYMENT and bool(entry.suffix))
        self._check()

    def _proposed(self, entry: CatalogueEntry) -> str:
        return safe_name(self._model) + (entry.suffix or f"-{entry.key}")

    def _ask_where(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        if not entry.suffix:
            title = self.tr("Folder to put the export in")
            folder = QFileDialog.getExistingDirectory(self, title, last_folder())
            chosen = str(Path(folder) / self._proposed(entry)) if folder else ""
        else:
            chosen, _ = QFileDialog.getSaveFileName(
                self,
                self.tr("Export as {0}").format(entry.title),
                self.path.text(),
                f"{entry.title} (*{entry.suffix})",
                options=QFileDialog.Option.DontConfirmOverwrite,
            )
        if chosen:
            self.path.setText(chosen)
            self._check()

    def _check(self) -> None:
        error = ""
        if not self._entries:
            error = self.tr("The engine is still starting")
        elif self._entry() is None:
            error = self.tr("No format fits this model")
        elif not self.path.text().strip():
            error = self.tr("Say where to write it")
        self.why_not.setText(error)
        self.ok.setEnabled(not error)
