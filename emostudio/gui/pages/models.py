"""Models: teachers and variants by descent, where weight and work sit, what changed."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from emostudio.core.answers import ImportReport, ModelReport
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Failed
from emostudio.core.jobs import BenchJob, EvaluateJob, InspectModelJob, TrainJob
from emostudio.gui.pages.base import Page
from emostudio.gui.pages.models_dialogs import ImportDialog, TrainDialog
from emostudio.gui.pages.models_export import ExportDialog
from emostudio.gui.pages.models_rows import (
    LAYER_COLUMNS,
    detail_line,
    layer_rows,
    lineage_items,
    verdict_of,
)
from emostudio.gui.pages.models_side import ChangesCard, DetailsCard
from emostudio.gui.recent import last_folder, note_folder
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.card import Card, EmptyState, plain, scrolled
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.gui.widgets.lineage import Lineage
from emostudio.qt.studio import Studio
from emostudio.workspace.claims import speed_claims
from emostudio.workspace.records import ModelRecord


class ModelsPage(Page):
    """The tree at the left, the chosen model's layers in the middle, changes at the right."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, "Models")
        self._models: dict[str, ModelRecord] = {}
        self._reports: dict[str, ModelReport] = {}
        self._question = ""
        self._deleted = ""
        self._build_header()
        self._views = QStackedWidget()
        empty = EmptyState(
            "models",
            self.tr("No model yet. Import a teacher (ONNX, safetensors, PyTorch), or train one."),
            self.tr("Import a model"),
            self.tr("Train a teacher"),
        )
        empty.acted.connect(self._choose_file)
        empty.link_clicked.connect(self._train)
        self._views.addWidget(empty)
        self._views.addWidget(self._content())
        self.body.addWidget(self._views, 1)
        self.note.acted.connect(self._undo_delete)
        studio.models_changed.connect(self.mark_stale)
        studio.catalogue_ready.connect(self.mark_stale)

    def open(self, argument: object) -> None:
        """Import ("import", path), or show a model by name."""
        if isinstance(argument, tuple):
            self._open_import(str(argument[1]))
            return
        self.refresh()
        self.lineage.choose(str(argument))

    def refresh(self) -> None:
        """Read the models again."""
        models = self.studio.workspace.models()
        self._models = {model.name: model for model in models}
        self.lineage.set_items(lineage_items(models, self.studio.titles(), self._claims()))
        teachers = sum(model.role == "teacher" for model in models)
        self._tree_card.set_state(
            f"{_count(teachers, self.tr('teacher'), self.tr('teachers'))}, "
            f"{_count(len(models) - teachers, self.tr('variant'), self.tr('variants'))}"
        )
        self._views.setCurrentIndex(1 if models else 0)
        if models and not self.lineage.current_name():
            self.lineage.choose(models[0].name)
        self._show_chosen()

    def _build_header(self) -> None:
        self.import_button = button(self.tr("Import"), icon="import", on_click=self._choose_file)
        self.train_button = button(self.tr("Train"), icon="play", on_click=self._train)
        self.more_button = icon_button("more", self.tr("More"))
        menu = QMenu(self.more_button)
        menu.addAction(self.tr("Measure accuracy"), self._evaluate)
        menu.addAction(self.tr("Benchmark against its teacher"), self._bench)
        menu.addAction(self.tr("Export"), self._export)
        menu.addAction(self.tr("See it live"), lambda: self.go.emit("live", self._name()))
        menu.addSeparator()
        menu.addAction(self.tr("Delete"), self._delete)
        self.more_button.setMenu(menu)
        self.compress_button = button(
            self.tr("Compress"),
            "primary",
            "compress",
            lambda: self.go.emit("compress", self._name()),
        )
        for made in (
            self.more_button,
            self.import_button,
            self.train_button,
            self.compress_button,
        ):
            self.header.add_action(made)

    def _content(self) -> QWidget:
        holder = plain()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.m)
        self._tree_card = Card(self.tr("Lineage"))
        self._tree_card.setFixedWidth(276)
        self.lineage = Lineage()
        self.lineage.chosen.connect(lambda _name: self._show_chosen())
        self._tree_card.body.addWidget(self.lineage, 1)
        row.addWidget(self._tree_card)
        self._layer_card = Card(self.tr("Layers"))
        self.layers = DataTable(LAYER_COLUMNS, self.tr("Layers"))
        self._layer_card.body.addWidget(self.layers, 1)
        self._legend = label(
            self.tr("Darker is more, within each column. Disk counts what the file really stores."),
            "caption",
            "text3",
            wrap=True,
        )
        self._layer_card.body.addWidget(self._legend)
        self._black_box = label("", "body", "text2", wrap=True)
        self._layer_card.body.addWidget(self._black_box)
        row.addWidget(self._layer_card, 1)
        side = plain()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        self.changes = ChangesCard()
        self.details = DetailsCard()
        column.addWidget(self.changes)
        column.addWidget(self.details)
        column.addStretch(1)
        area = scrolled(side)
        area.setFixedWidth(256)
        row.addWidget(area)
        return holder

    def _claims(self) -> frozenset[str]:
        catalogue = self.studio.catalogue
        return speed_claims(catalogue.methods) if catalogue is not None else frozenset()

    def _name(self) -> str | None:
        return self.lineage.current_name() or None

    def _show_chosen(self) -> None:
        model = self._models.get(self._name() or "")
        for made in (self.more_button, self.compress_button):
            set_shown(made, model is not None)
        self.header.set_name(model.name if model else "")
        self.header.set_facts(detail_line(model, self.studio.titles()) if model else "")
        if model is None:
            return
        parent = self._models.get(model.parent or "")
        self.changes.show_model(model, parent, verdict_of(model, parent, self._claims()))
        known = self._reports.get(_stamp(model))
        if known is not None:
            self._show_report(known)
            return
        self._layer_card.set_state(self.tr("Reading"), "text3")
        self.layers.set_rows(())
        if self._question:
            self.studio.forget(self._question)
        self._question = self.studio.ask(
            InspectModelJob(model=model.name), self._on_report, self._on_refused
        )

    def _on_report(self, answer: dict[str, Any]) -> None:
        self._question = ""
        report = ModelReport.model_validate(answer)
        model = self._models.get(report.info.name)
        if model is None:
            return
        self._reports[_stamp(model)] = report
        if model.name == self._name():
            self._show_report(report)

    def _on_refused(self, failed: Failed) -> None:
        self._question = ""
        self._layer_card.set_state("")
        self.note.show_error(failed)

    def _show_report(self, report: ModelReport) -> None:
        self._layer_card.set_state(self.tr("{0} layers").format(len(report.layers)))
        self.layers.set_rows(layer_rows(report.layers))
        set_shown(self.layers, bool(report.layers))
        set_shown(self._legend, bool(report.layers))
        set_shown(self._black_box, not report.layers)
        self._black_box.setText(
            self.tr(
                "Only the outputs of this model are known, not its layers. It can teach a "
                "student (distillation); methods that change layers need a network with layers."
            )
        )
        self.details.show_report(report, self.studio.titles())

    def _choose_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Import a model"),
            last_folder(),
            self.tr("Models (*.onnx *.safetensors *.pt *.pth *.caffemodel);;All files (*)"),
        )
        if chosen:
            note_folder(chosen)
            self._open_import(chosen)

    def _open_import(self, path: str) -> None:
        dialog = ImportDialog(self, self.studio, path)
        dialog.imported.connect(self._on_imported)
        dialog.open()

    def _on_imported(self, report: ImportReport) -> None:
        accuracy = report.checked_accuracy
        parts = list(report.notes)
        if accuracy is not None:
            share = f"{100 * accuracy:.1f} % of {report.checked_images}"
            parts.insert(0, self.tr("{0} labelled images judged right.").format(share))
        self._deleted = ""
        self.note.show_note(
            "ok", self.tr("{0} was imported.").format(report.model), " ".join(parts)
        )
        self.open(report.model)

    def _train(self) -> None:
        dialog = TrainDialog(self, self.studio)
        dialog.wanted.connect(self._start_training)
        dialog.open()

    def _start_training(self, job: TrainJob) -> None:
        self._submit(job)

    def _evaluate(self) -> None:
        model = self._models.get(self._name() or "")
        if model is None:
            return
        datasets = [record.name for record in self.studio.workspace.datasets()]
        own = model.info.lineage.dataset
        data = own if own in datasets else datasets[0] if datasets else ""
        if not data:
            self.note.show_note(
                "warn", self.tr("There is no dataset."), self.tr("Import one first.")
            )
            return
        self._submit(EvaluateJob(models=self._with_teacher(model), data=data))

    def _bench(self) -> None:
        model = self._models.get(self._name() or "")
        if model is not None:
            self._submit(BenchJob(models=self._with_teacher(model)))

    def _with_teacher(self, model: ModelRecord) -> tuple[str, ...]:
        teacher = model.info.lineage.teacher or model.parent
        return (teacher, model.name) if teacher in self._models else (model.name,)

    def _submit(self, job: Any) -> None:
        try:
            self.go.emit("jobs", self.studio.submit(job))
        except EmoStudioError as error:
            self.note.show_error(error)

    def _export(self) -> None:
        name = self._name()
        if name is None:
            return
        report = self._reports.get(_stamp(self._models[name]))
        refusals = report.export_refusals if report is not None else {}
        ExportDialog(self, self.studio, name, refusals).open()

    def _delete(self) -> None:
        name = self._name()
        if name is None:
            return
        try:
            self.studio.workspace.delete_model(name)
        except EmoStudioError as error:
            self.note.show_error(error)
            return
        self._deleted = name
        self.studio.models_changed.emit()
        text = self.tr("Its runs and measurements stay.")
        self.note.show_note(
            "info", self.tr("{0} is in the trash.").format(name), text, self.tr("Undo")
        )

    def _undo_delete(self) -> None:
        if self._deleted:
            self.studio.workspace.restore_model(self._deleted)
            self.note.show_note("info", "")
            self.studio.models_changed.emit()
            self.open(self._deleted)


def _stamp(model: ModelRecord) -> str:
    return f"{model.name} {model.created.isoformat()} {model.disk_bytes}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
