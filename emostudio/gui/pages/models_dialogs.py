"""Dialogs of the models page: bring a foreign model, train a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLineEdit,
    QWidget,
)

from emostudio.core.answers import ImportReport
from emostudio.core.emotions import LABEL_ORDERS
from emostudio.core.events import Failed
from emostudio.core.jobs import ImportModelJob, TrainJob
from emostudio.core.model_info import Preprocessing
from emostudio.gui.widgets.form_dialog import FormDialog
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.settings_form import SettingsForm
from emostudio.qt.studio import Studio


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelsDialogs", text)


class ImportDialog(FormDialog):
    """Asks for what a model file does not say: label order, preprocessing, architecture.

    Signals
    -------
    imported
        The `answers.ImportReport`.
    """

    imported = Signal(object)

    def __init__(self, parent: QWidget, studio: Studio, path: str) -> None:
        super().__init__(
            parent,
            _tr("Import {0}").format(Path(path).name),
            _tr(
                "What the file says is used. Fill in only what is missing, and check it on images "
                "with known emotions: a wrong order of labels shows at once."
            ),
        )
        self._studio, self._path = studio, path
        self.name = QLineEdit(Path(path).stem)
        self.add_row(self.tr("Name"), self.name, self.tr("Under which it appears everywhere"))
        self._add_labels()
        self._add_check()
        self._add_kind()
        self.own = QCheckBox(self.tr("Set the preprocessing"))
        self.inner.addWidget(self.own)
        self.form = SettingsForm(Preprocessing.model_json_schema())
        self.form.hide()
        self.own.toggled.connect(self.form.setVisible)
        self.inner.addWidget(self.form)
        self.add_buttons(self.tr("Import model"))

    def _add_labels(self) -> None:
        self.order = QComboBox()
        self.order.addItem(self.tr("As the file says"), "")
        for name, order in LABEL_ORDERS.items():
            self.order.addItem(name[:1].upper() + name[1:], ", ".join(order))
            words = "\n".join(order)
            self.order.setItemData(self.order.count() - 1, words, Qt.ItemDataRole.ToolTipRole)
        self.order.addItem(self.tr("Typed below"), None)
        self.order.currentIndexChanged.connect(self._on_order)
        help_text = self.tr("Which output stands for which emotion")
        self.add_row(self.tr("Label order"), self.order, help_text)
        self.labels = QLineEdit()
        self.labels.setPlaceholderText(self.tr("anger, disgust, …"))
        self.labels.textEdited.connect(self._on_typed)
        self.add_row(self.tr("Labels"), self.labels, self.tr("Names in the order of the outputs"))

    def _add_check(self) -> None:
        self.data = QComboBox()
        self.data.addItem(self.tr("No check"), None)
        for record in self._studio.workspace.datasets():
            self.data.addItem(record.name, record.name)
        if self.data.count() > 1:
            self.data.setCurrentIndex(1)
        self.add_row(self.tr("Check on"), self.data, self.tr("A few labelled images are judged"))

    def _add_kind(self) -> None:
        self.architecture = QComboBox()
        self.architecture.addItem(self.tr("Found by its layers"), None)
        catalogue = self._studio.catalogue
        for entry in catalogue.architectures if catalogue is not None else ():
            if entry.available:
                self.architecture.addItem(entry.title, entry.key)
        help_text = self.tr("For weights without a network, as .pt and .safetensors")
        self.add_row(self.tr("Architecture"), self.architecture, help_text)
        self.onnx = QComboBox()
        for title, kind in (
            (self.tr("Layers where possible"), "auto"),
            (self.tr("Layers or nothing (white box)"), "white_box"),
            (self.tr("As it is (black box)"), "black_box"),
        ):
            self.onnx.addItem(title, kind)
        if Path(self._path).suffix.lower() == ".onnx":
            help_text = self.tr("Only layers can be compressed; a black box can teach")
            self.add_row(self.tr("ONNX graph"), self.onnx, help_text)

    def job(self) -> ImportModelJob:
        """Return what is asked for."""
        labels = tuple(part.strip() for part in self.labels.text().split(",") if part.strip())
        return ImportModelJob(
            file=self._path,
            name=self.name.text().strip() or None,
            architecture=self.architecture.currentData(),
            labels=labels or None,
            preprocessing=self.form.values() if self.own.isChecked() else None,
            data=self.data.currentData(),
            onnx=self.onnx.currentData(),
        )

    def finish(self) -> None:
        """Ask the engine; the dialog stays open until it agrees."""
        if self.own.isChecked() and not self.form.is_valid():
            self.why_not.setText(self.form.first_error())
            return
        self.why_not.setText("")
        self.ok.setEnabled(False)
        self.note.show_note("info", self.tr("Checking the model"), "")
        self._studio.ask(self.job(), self._on_answer, self._on_refused)

    def _on_answer(self, answer: dict[str, Any]) -> None:
        self.imported.emit(ImportReport.model_validate(answer))
        self._studio.models_changed.emit()
        self.accept()

    def _on_refused(self, failed: Failed) -> None:
        self.note.show_error(failed)
        self.ok.setEnabled(True)

    def _on_order(self) -> None:
        chosen = self.order.currentData()
        if chosen is not None:
            self.labels.setText(chosen)

    def _on_typed(self) -> None:
        self.order.setCurrentIndex(self.order.count() - 1)


class TrainDialog(FormDialog):
    """Trains an architecture from scratch, to have a teacher.

    Signals
    -------
    wanted
        The `jobs.TrainJob`.
    """

    wanted = Signal(object)

    def __init__(self, parent: QWidget, studio: Studio) -> None:
        super().__init__(
            parent,
            _tr("Train a teacher"),
            _tr("Supervised training from scratch; it runs in the queue and can be paused."),
        )
        self._studio = studio
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("automatic"))
        self.add_row(self.tr("Name"), self.name, self.tr("Under which it appears everywhere"))
        self.data = QComboBox()
        for record in studio.workspace.datasets():
            self.data.addItem(record.name, record.name)
        self.add_row(self.tr("Dataset"), self.data, self.tr("Its training split is learned"))
        self.architecture = QComboBox()
        catalogue = studio.catalogue
        entries = catalogue.architectures if catalogue is not None else ()
        self._entries = tuple(entry for entry in entries if entry.available)
        for entry in self._entries:
            self.architecture.addItem(entry.title, entry.key)
        self.architecture.currentIndexChanged.connect(self._on_architecture)
        self.summary = label("", "small", "text3", wrap=True)
        self.add_row(self.tr("Architecture"), self.architecture, "")
        self.inner.addWidget(self.summary)
        self.network = SettingsForm()
        self.inner.addWidget(label(self.tr("Network"), "card"))
        self.inner.addWidget(self.network)
        self.inner.addWidget(label(self.tr("Training"), "card"))
        self.training = SettingsForm(catalogue.training if catalogue is not None else {})
        self.inner.addWidget(self.training)
        self.add_buttons(self.tr("Start training"))
        self.network.changed.connect(self._check)
        self.training.changed.connect(self._check)
        self._on_architecture()

    def job(self) -> TrainJob:
        """Return what is asked for."""
        record = self._studio.workspace.dataset(self.data.currentData())
        settings = self.network.values() | {"class_count": len(record.labels)}
        return TrainJob(
            architecture=self.architecture.currentData(),
            architecture_settings=settings,
            data=record.name,
            training=self.training.values(),
            name=self.name.text().strip() or None,
        )

    def finish(self) -> None:
        """Hand the job over."""
        self.wanted.emit(self.job())
        self.accept()

    def _on_architecture(self) -> None:
        key = self.architecture.currentData()
        entry = next((entry for entry in self._entries if entry.key == key), None)
        if entry is not None:
            self.network.set_schema(entry.settings, skip=("class_count",))
            self.summary.setText(entry.summary)
        self._check()

    def _check(self) -> None:
        error = self.network.first_error() or self.training.first_error()
        if not self.data.count():
            error = self.tr("Import a dataset first")
        elif not self._entries:
            error = self.tr("The engine is still starting")
        self.why_not.setText(error)
        self.ok.setEnabled(not error)
