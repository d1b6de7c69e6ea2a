"""Data: what is imported, and a look at what could be, before anything is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QMenu, QStackedWidget, QVBoxLayout

from emostudio.core.answers import CatalogueEntry, DataReport
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Failed, Progress
from emostudio.core.jobs import ImportDataJob, InspectDataJob, JobStatus
from emostudio.gui.pages.base import Page
from emostudio.gui.pages.data_reader import ReaderChoice
from emostudio.gui.pages.data_report import ReportView
from emostudio.gui.pages.data_synthetic import SyntheticDialog
from emostudio.gui.pages.jobs_rows import describe_time
from emostudio.gui.recent import last_folder, note_folder
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card, EmptyState, plain, scrolled
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import label, set_shown, set_tone
from emostudio.gui.widgets.progress import ProgressRow
from emostudio.gui.widgets.settings_form import SettingsForm
from emostudio.qt.studio import Studio
from emostudio.qt.table_models import Cell, Column, Row
from emostudio.workspace.records import DatasetRecord

_INSPECT_DELAY_MS = 500
_THUMBNAILS = 24


class DataPage(Page):
    """Imported datasets, and the preview of an import."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, "Data")
        self._datasets: dict[str, DatasetRecord] = {}
        self._path = ""
        self._name: str | None = None
        self._settings: dict[str, Any] = {}
        self._reader: str | None = None
        self._form_reader = ""
        self._question = ""
        self._build_header()
        self._views = QStackedWidget()
        self._views.addWidget(self._empty())
        self._views.addWidget(self._list_view())
        self._views.addWidget(self._preview())
        self.body.addWidget(self._views, 1)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_INSPECT_DELAY_MS)
        self._delay.timeout.connect(self._inspect)
        studio.datasets_changed.connect(self.mark_stale)
        studio.runs_changed.connect(self.mark_stale)
        studio.questions.progressed.connect(self._on_progress)

    @property
    def is_previewing(self) -> bool:
        """Whether the preview of an import is shown."""
        return bool(self._path)

    def open(self, argument: object) -> None:
        """Preview ("import", path), or show a dataset by name."""
        if isinstance(argument, tuple):
            self.preview(str(argument[1]))
        elif argument == "synthetic":
            self._make_synthetic()
        else:
            self.refresh()
            self.table.select_id(str(argument))
            self._show_selected()

    def preview(
        self, path: str, name: str | None = None, settings: dict[str, Any] | None = None
    ) -> None:
        """Look at a source without importing it."""
        self._path, self._name = path, name
        self._settings, self._reader, self._form_reader = dict(settings or {}), None, ""
        self._views.setCurrentIndex(2)
        self.report.setEnabled(False)
        set_shown(self.report, shown=False)
        self.readers.begin(path)
        self._inspect()
        self._show_header()

    def refresh(self) -> None:
        """Read the datasets again."""
        records = self.studio.workspace.datasets()
        self._datasets = {record.name: record for record in records}
        self.table.set_rows([_row(record) for record in records])
        self.table.setFixedHeight(min(self.table.fitted_height(), 170))
        self._show_importing()
        if not self.is_previewing:
            has_any = bool(records) or self._is_importing
            self._views.setCurrentIndex(1 if has_any else 0)
            if records and not self.table.selected_id():
                self.table.select_id(records[0].name)
            self._show_selected()
        self._show_header()

    def _build_header(self) -> None:
        self.synthetic_button = button(
            self.tr("Make synthetic set"), icon="face", on_click=self._make_synthetic
        )
        self.file_button = button(self.tr("Import"), "primary", "import")
        menu = QMenu(self.file_button)
        menu.addAction(self.tr("A folder of pictures"), self._choose_folder)
        menu.addAction(self.tr("A file (CSV, gz, zip)"), self._choose_file)
        self.file_button.setMenu(menu)
        self.why_not = label("", "small", "bad")
        self.cancel_button = button(self.tr("Cancel"), on_click=self._stop_preview)
        self.import_button = button(self.tr("Import"), "primary", "import", self._import)
        for made in (
            self.why_not,
            self.synthetic_button,
            self.file_button,
            self.cancel_button,
            self.import_button,
        ):
            self.header.add_action(made)

    def _empty(self) -> EmptyState:
        empty = EmptyState(
            "data",
            self.tr("No data yet. Drop a folder of faces or a CSV here, or let faces be drawn."),
            self.tr("Import a folder"),
            self.tr("Make a synthetic set"),
        )
        empty.acted.connect(self._choose_folder)
        empty.link_clicked.connect(self._make_synthetic)
        return empty

    def _list_view(self) -> Any:
        holder = plain()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        card = Card(self.tr("Datasets"))
        self.importing = ProgressRow()
        card.body.addWidget(self.importing)
        self.table = DataTable(
            (
                Column("name", self.tr("Name")),
                Column("reader", self.tr("Layout"), width=130),
                Column("samples", self.tr("Pictures"), is_number=True, width=90),
                Column("labels", self.tr("Classes"), is_number=True, width=80),
                Column("splits", self.tr("Train / validation / test"), is_number=True, width=190),
                Column("created", self.tr("Imported"), is_number=True, width=110),
            ),
            self.tr("Datasets"),
        )
        self.table.row_selected.connect(lambda _name: self._show_selected())
        card.body.addWidget(self.table)
        column.addWidget(card)
        self.stored = ReportView()
        self.stored.check.set_title(self.tr("Found at import"))
        self.stored.drop_duplicates.connect(self._reimport_without_copies)
        column.addWidget(self.stored, 1)
        return scrolled(holder)

    def _preview(self) -> Any:
        holder = plain()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        self.readers = ReaderChoice(self.studio)
        self.readers.chosen.connect(self._on_reader)
        column.addWidget(self.readers)
        self.report = ReportView()
        self.report.drop_duplicates.connect(self._drop_duplicates)
        self.split_card = Card(self.tr("Split and labels"))
        self.split_card.setFixedWidth(312)
        self.form = SettingsForm(is_narrow=True)
        self.form.changed.connect(self._on_settings)
        self.split_card.body.addWidget(self.form)
        self.report.side.addWidget(self.split_card)
        column.addWidget(self.report, 1)
        column.addStretch(0)
        return scrolled(holder)

    def _on_reader(self, reader: str | None) -> None:
        self._reader, self._settings = reader, {}
        self._inspect()

    def _show_header(self) -> None:
        is_preview = self.is_previewing
        name = self._name or Path(self._path).name
        self.header.set_name(self.tr("Import {0}").format(name) if is_preview else "")
        for made in (self.cancel_button, self.import_button, self.why_not):
            set_shown(made, is_preview)
        for made in (self.synthetic_button, self.file_button):
            set_shown(made, not is_preview)
        if not is_preview:
            self.header.set_facts("")

    def _show_importing(self) -> None:
        active = [
            run
            for run in self.studio.workspace.runs()
            if run.kind == "import_data"
            and (run.status == JobStatus.RUNNING or run.id == self.studio.queue.current)
        ]
        self._is_importing = bool(active)
        set_shown(self.importing, bool(active))
        for run in active[:1]:
            self.importing.set_state("play", "accent_text")
            self.importing.show_progress(run.title, run.fraction, run.message)

    def _show_selected(self) -> None:
        record = self._datasets.get(self.table.selected_id())
        set_shown(self.stored, record is not None and bool(record.report))
        if record is not None and record.report:
            self.stored.show_report(DataReport.model_validate(record.report))

    def _inspect(self) -> None:
        if self._question:
            self.studio.forget(self._question)
        self.import_button.setEnabled(False)
        self._say(self.tr("Looking at the pictures"), "text2")
        self.note.show_note("info", "")
        job = InspectDataJob(
            path=self._path,
            reader=self._reader,
            settings=self._settings,
            thumbnails=_THUMBNAILS,
        )
        self._question = self.studio.ask(job, self._on_report, self._on_refused)

    def _say(self, text: str, tone: str) -> None:
        self.why_not.setText(text)
        set_tone(self.why_not, tone)

    def _on_progress(self, key: str, progress: Progress) -> None:
        if key == self._question and progress.fraction is not None:
            words = progress.message or self.tr("Looking at the pictures")
            self._say(f"{words}, {100 * progress.fraction:.0f} %", "text2")

    def _on_report(self, answer: dict[str, Any]) -> None:
        self._question = ""
        report = DataReport.model_validate(answer)
        self.report.setEnabled(True)
        self.report.show_report(report)
        set_shown(self.report, shown=True)
        self.header.set_facts(self.tr("Read as {0}").format(report.reader.replace("_", " ")))
        self._say("", "text2")
        self.import_button.setText(self.tr("Import {0} pictures").format(f"{report.samples:,}"))
        self.import_button.setEnabled(report.samples > 0)
        if report.reader != self._form_reader:
            self._form_reader = report.reader
            self._show_form(report.reader)
        self._reader = report.reader

    def _on_refused(self, failed: Failed) -> None:
        self._question = ""
        set_shown(self.report, shown=False)
        self._say(self.tr("Cannot be imported"), "bad")
        self.note.show_error(failed)

    def _show_form(self, reader: str) -> None:
        entry = _entry(self.studio, reader)
        self.split_card.setVisible(entry is not None and reader != "synthetic")
        if entry is not None:
            self.form.set_schema(entry.settings, self._settings)

    def _on_settings(self) -> None:
        if self.form.is_valid():
            self._settings = self.form.values()
            self._delay.start()

    def _drop_duplicates(self) -> None:
        self._settings = {**self._settings, "duplicates": "drop"}
        self.form.set_values({"duplicates": "drop"})
        self._inspect()

    def _reimport_without_copies(self) -> None:
        record = self._datasets.get(self.table.selected_id())
        if record is not None:
            self.preview(record.source, None, {"duplicates": "drop"})

    def _import(self) -> None:
        job = ImportDataJob(
            path=self._path, name=self._name, reader=self._reader, settings=self._settings
        )
        try:
            self.studio.submit(job)
        except EmoStudioError as error:
            self.note.show_error(error)
            return
        self._stop_preview()

    def _stop_preview(self) -> None:
        if self._question:
            self.studio.forget(self._question)
            self._question = ""
        self._path = ""
        self.note.show_note("info", "")
        self.refresh()

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, self.tr("Import a folder of pictures"), last_folder()
        )
        if chosen:
            note_folder(chosen)
            self.preview(chosen)

    def _choose_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Import a file"),
            last_folder(),
            self.tr("Datasets (*.csv *.gz *.zip);;All files (*)"),
        )
        if chosen:
            note_folder(chosen)
            self.preview(chosen)

    def _make_synthetic(self) -> None:
        entry = _entry(self.studio, "synthetic")
        if entry is None:
            self.note.show_note("info", self.tr("The engine is still starting."), "")
            return
        dialog = SyntheticDialog(self, entry.settings)
        dialog.wanted.connect(lambda name, settings: self.preview("synthetic", name, settings))
        dialog.open()


def _entry(studio: Studio, reader: str) -> CatalogueEntry | None:
    readers = studio.catalogue.readers if studio.catalogue is not None else ()
    return next((entry for entry in readers if entry.key == reader), None)


def _row(record: DatasetRecord) -> Row:
    parts = [sum(record.counts.get(name, {}).values()) for name in ("train", "validation", "test")]
    return Row(
        record.name,
        {
            "name": Cell(record.name, is_bold=True, tooltip=record.source),
            "reader": Cell(record.reader.replace("_", " "), tone="text2"),
            "samples": Cell(f"{record.samples:,}", sort=record.samples),
            "labels": Cell(str(len(record.labels)), sort=len(record.labels)),
            "splits": Cell(" / ".join(f"{part:,}" for part in parts), sort=parts[0]),
            "created": Cell(describe_time(record.created), sort=record.created.timestamp()),
        },
    )
