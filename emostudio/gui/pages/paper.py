"""Paper: the 2017 survey's tables and figures, ours beside the paper's."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMenu, QStackedWidget

from emostudio.core.jobs import JobStatus, PaperJob
from emostudio.core.units import format_duration
from emostudio.gui.pages.base import Page
from emostudio.gui.pages.paper_export import PaperExporter
from emostudio.gui.pages.paper_list import done_count, entry_items, table_key
from emostudio.gui.pages.paper_setup import StudyDialog
from emostudio.gui.pages.paper_view import StudyView
from emostudio.gui.theme import theme
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import EmptyState
from emostudio.gui.widgets.labels import set_shown
from emostudio.paper.catalogue import EVERYTHING, in_order, tables_of
from emostudio.paper.results import ResultTable
from emostudio.paper.study import Study, StudySettings, studies
from emostudio.qt.studio import Studio
from emostudio.workspace.records import RunRecord

_WORKING = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED)


class PaperPage(Page):
    """The list of experiments at the left, the chosen table, its chart and its caveats."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, QCoreApplication.translate("PaperPage", "Paper"))
        self.tables: dict[str, ResultTable] = {}
        self._study: Study | None = None
        self._wanted = ""
        self._run: RunRecord | None = None
        self.exporter = PaperExporter(studio, self.note, self)
        self._build_header()
        self._views = QStackedWidget()
        self.empty = EmptyState(
            "paper",
            self.tr(
                "No experiment has run yet. The quick preset repeats Tables 2 and 3 and Figures "
                "1 to 6 with small networks on drawn faces in about half an hour; it can be "
                "stopped and continued."
            ),
            self.tr("Run the quick preset"),
            self.tr("Choose pictures, teacher and size"),
        )
        self.empty.acted.connect(lambda: self._submit(PaperJob()))
        self.empty.link_clicked.connect(self._ask)
        self.view = StudyView()
        self.view.list.chosen.connect(lambda _keys: self._show_chosen())
        self.view.figures_asked.connect(lambda: self._continue("figures"))
        self._views.addWidget(self.empty)
        self._views.addWidget(self.view)
        self.body.addWidget(self._views, 1)
        studio.runs_changed.connect(self.mark_stale)

    def refresh(self) -> None:
        """Read the studies again."""
        found = studies(self.studio.workspace.folder)
        wanted = [study for study in found if study.settings.name == self._wanted]
        self._study = next(iter(wanted or found), None)
        self._run = self._working_run()
        if self._study is None and self._run is not None and isinstance(self._run.job, PaperJob):
            self._study = Study(self.studio.workspace.folder, _settings_of(self._run.job))
        self._views.setCurrentIndex(1 if self._study is not None else 0)
        self._show_state()
        if self._study is None:
            return
        self.tables = tables_of(self._study)
        running = ""
        if self._run is not None and isinstance(self._run.job, PaperJob):
            is_shown = _settings_of(self._run.job).name == self._study.settings.name
            running = self._run.job.experiment if is_shown else ""
        items = entry_items(self.tables, running)
        self.view.show_entries(items, done_count(items))
        self.header.set_facts(self._facts())
        self._show_chosen()

    def _build_header(self) -> None:
        self.latex_button = button(self.tr("Copy as LaTeX"), icon="copy", on_click=self._copy)
        self.run_button = button(self.tr("Run"), icon="play", on_click=self._open_menu)
        self.stop_button = button(self.tr("Stop"), icon="stop", on_click=self._stop)
        self.report_button = button(self.tr("Make report"), "primary", "paper", self._open_formats)
        for made in (self.latex_button, self.run_button, self.stop_button, self.report_button):
            self.header.add_action(made)

    def run_menu(self) -> QMenu:
        """Return what can be run, and the other studies that can be shown."""
        menu = QMenu(self)
        theme().set_font(menu, "body")
        if self._study is not None:
            menu.addAction(self.tr("Continue this study"), partial(self._continue, EVERYTHING))
            for each in in_order():
                if each.is_run:
                    words = self.tr("Only {0}").format(each.title)
                    menu.addAction(words, partial(self._continue, each.key))
            menu.addSeparator()
        menu.addAction(self.tr("New study…"), self._ask)
        others = studies(self.studio.workspace.folder)
        if len(others) > 1:
            menu.addSeparator()
            for study in others:
                action = menu.addAction(self.tr("Show {0}").format(study_words(study.settings)))
                action.setCheckable(True)
                action.setChecked(study.settings == self._settings())
                action.triggered.connect(
                    lambda _=False, name=study.settings.name: self._show_study(name)
                )
        return menu

    def _settings(self) -> StudySettings | None:
        return self._study.settings if self._study is not None else None

    def _show_study(self, name: str) -> None:
        self._wanted = name
        self.refresh()

    def _working_run(self) -> RunRecord | None:
        runs = self.studio.workspace.runs()
        found = (run for run in runs if run.kind == "paper" and run.status in _WORKING)
        return next(found, None)

    def _show_state(self) -> None:
        run = self._run
        for made in (self.latex_button, self.report_button):
            set_shown(made, self._study is not None)
        set_shown(self.stop_button, run is not None)
        set_shown(self.run_button, run is None and self._study is not None)
        self.view.set_can_run(can_run=run is None)
        left = ""
        if run is not None and run.seconds_left:
            left = format_duration(run.seconds_left)
        message = run.message if run is not None else ""
        self.view.show_progress(run.fraction if run is not None else None, message, left)

    def _facts(self) -> str:
        if self._study is None:
            return ""
        settings = self._study.settings
        words = self.tr("Rassadin and Savchenko, 2017. {0}, seed {1}")
        told = words.format(study_words(settings), settings.seed)
        machine = self.tables["table2"].facts.get("Machine", "") if self.tables else ""
        return f"{told}. {machine}" if machine else told

    def _show_chosen(self) -> None:
        entry = self.view.list.current_id() or "table2"
        table = self.tables.get(table_key(entry))
        if table is not None:
            self.view.show_table(table, entry)

    def _open_menu(self) -> None:
        menu = self.run_menu()
        menu.popup(self.run_button.mapToGlobal(self.run_button.rect().bottomLeft()))

    def _open_formats(self) -> None:
        job = self._report_of(EVERYTHING)
        if job is not None:
            menu = self.exporter.menu(job)
            menu.popup(self.report_button.mapToGlobal(self.report_button.rect().bottomLeft()))

    def _copy(self) -> None:
        job = self._report_of(table_key(self.view.list.current_id() or "table2"))
        if job is not None:
            self.exporter.copy_latex(job)

    def _report_of(self, experiment: str) -> PaperJob | None:
        return None if self._study is None else _job_of(self._study.settings, experiment)

    def _continue(self, experiment: str) -> None:
        if self._study is not None:
            self._submit(_job_of(self._study.settings, experiment))

    def _ask(self) -> None:
        workspace = self.studio.workspace
        teachers = [model.name for model in workspace.models() if model.role == "teacher"]
        datasets = [dataset.name for dataset in workspace.datasets()]
        dialog = StudyDialog(self, datasets, teachers)
        dialog.wanted.connect(self._submit)
        dialog.open()

    def _submit(self, job: PaperJob) -> None:
        self._wanted = _settings_of(job).name
        self.studio.submit(job)
        self.refresh()

    def _stop(self) -> None:
        if self._run is not None:
            self.studio.cancel(self._run.id)
            self.note.show_note(
                "info", self.tr("Stopping."), self.tr("What is finished is kept; Run goes on.")
            )


def study_words(settings: StudySettings) -> str:
    """Return what tells a study from others, in a few words."""
    data = settings.data.rpartition("/")[2] if settings.data else "drawn faces"
    words = f"Preset: {settings.preset}, {data}"
    if settings.teacher:
        words += f", teacher {settings.teacher.rpartition('/')[2]}"
    return words


def _settings_of(job: PaperJob) -> StudySettings:
    values = job.model_dump(include=set(StudySettings.model_fields))
    return StudySettings.model_validate(values)


def _job_of(settings: StudySettings, experiment: str) -> PaperJob:
    values = settings.model_dump()
    return PaperJob.model_validate({**values, "experiment": experiment})
