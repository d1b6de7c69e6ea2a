"""The live page's header: source, detector, variants, start and stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout

from emostudio.core.answers import CatalogueEntry
from emostudio.gui.pages.live_sources import SYNTHETIC, VIDEO_SUFFIXES, LiveSource
from emostudio.gui.theme import theme
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.camera_mark import CameraMark
from emostudio.gui.widgets.card import PageHeader
from emostudio.gui.widgets.checked_menu import CheckedMenu
from emostudio.gui.widgets.labels import set_shown

_ASK_VIDEO = "ask:video"
_ASK_FOLDER = "ask:folder"
_DEFAULT_DETECTOR = "haar"


class LiveHeader(PageHeader):
    """Header of the live page.

    Signals
    -------
    start_clicked, stop_clicked, full_screen_clicked
        The buttons.
    """

    start_clicked = Signal()
    stop_clicked = Signal()
    full_screen_clicked = Signal()

    def __init__(self) -> None:
        super().__init__(self.tr("Live"))
        self.mark = CameraMark()
        row = self.layout()
        if isinstance(row, QHBoxLayout):
            row.insertWidget(row.indexOf(self.facts), self.mark)
        self.mark.hide()
        self.source = self._combo(self.tr("Source"), 190)
        self.detector = self._combo(self.tr("Face detector"), 150)
        self.variants = CheckedMenu(self.tr("Variants"), "models")
        self.start = button(self.tr("Start"), "primary", "play", self.start_clicked.emit)
        self.stop = button(self.tr("Stop"), "primary", "stop", self.stop_clicked.emit)
        full = icon_button("fullscreen", self.tr("Full screen (F11)"))
        full.clicked.connect(self.full_screen_clicked)
        for widget in (self.source, self.detector, self.variants, self.start, self.stop, full):
            self.add_action(widget)
        self._detector_file: str | None = None
        self._file_detectors: dict[str, str] = {}
        self._last_source = 0
        self.set_cameras(())
        self.set_detectors(())
        self.show_running(running=False, camera=False)
        self.source.activated.connect(self._on_source)
        self.detector.activated.connect(self._on_detector)

    def set_cameras(self, cameras: Sequence[LiveSource]) -> None:
        """Offer the synthetic camera, these cameras, files and folders."""
        chosen = self.source.currentData()
        self.source.clear()
        self.source.addItem(self.tr("Synthetic camera"), LiveSource(SYNTHETIC, "Synthetic camera"))
        for camera in cameras:
            self.source.addItem(camera.title, camera)
        self.source.insertSeparator(self.source.count())
        self.source.addItem(self.tr("Video file…"), _ASK_VIDEO)
        self.source.addItem(self.tr("Image folder…"), _ASK_FOLDER)
        if isinstance(chosen, LiveSource):
            self.choose_source(chosen)

    def set_detectors(self, detectors: Sequence[CatalogueEntry]) -> None:
        """Offer the detectors of the catalogue; those that cannot work here say why."""
        chosen = self.detector.currentData() or _DEFAULT_DETECTOR
        self.detector.clear()
        entries = detectors or (CatalogueEntry(key=_DEFAULT_DETECTOR, title="Haar"),)
        self._file_detectors = {entry.key: entry.title for entry in entries if entry.needs_file}
        model = self.detector.model()
        for entry in entries:
            title = f"{entry.title}…" if entry.needs_file else entry.title
            self.detector.addItem(title, entry.key)
            place = self.detector.count() - 1
            words = entry.summary if entry.available else entry.why_not
            self.detector.setItemData(place, words, Qt.ItemDataRole.ToolTipRole)
            if not entry.available and isinstance(model, QStandardItemModel):
                model.item(place).setEnabled(False)
        self.detector.setCurrentIndex(max(0, self.detector.findData(chosen)))

    def chosen_source(self) -> LiveSource:
        """Return the chosen source."""
        chosen = self.source.currentData()
        return chosen if isinstance(chosen, LiveSource) else LiveSource(SYNTHETIC, SYNTHETIC)

    def chosen_detector(self) -> tuple[str, str | None]:
        """Return key and file of the chosen detector."""
        key = str(self.detector.currentData() or _DEFAULT_DETECTOR)
        return key, self._detector_file if key in self._file_detectors else None

    def choose_source(self, source: LiveSource) -> None:
        """Choose a source, added to the list if it is new."""
        for place in range(self.source.count()):
            known = self.source.itemData(place)
            if isinstance(known, LiveSource) and known.argument == source.argument:
                self.source.setCurrentIndex(place)
                self._last_source = place
                return
        self.source.insertItem(1, source.title, source)
        self.source.setCurrentIndex(1)
        self._last_source = 1

    def choose_detector(self, key: str, file: str | None = None) -> None:
        """Choose a detector and, where it needs one, its file."""
        self._detector_file = file
        self.detector.setCurrentIndex(max(0, self.detector.findData(key)))

    def show_running(self, *, running: bool, camera: bool) -> None:
        """Show what can be done while a live view runs or not."""
        set_shown(self.start, not running)
        set_shown(self.stop, running)
        set_shown(self.mark, running and camera)
        for widget in (self.source, self.detector, self.variants):
            widget.setEnabled(not running)

    def _combo(self, name: str, width: int) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.setToolTip(name)
        combo.setFixedWidth(round(width * theme().scale))
        theme().set_font(combo, "body")
        return combo

    def _on_source(self, place: int) -> None:
        asked = self.source.itemData(place)
        if isinstance(asked, LiveSource):
            self._last_source = place
            return
        self.source.setCurrentIndex(self._last_source)
        dialog = QFileDialog(self.window())
        if asked == _ASK_VIDEO:
            dialog.setWindowTitle(self.tr("Choose a video file"))
            patterns = " ".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES)
            dialog.setNameFilters([self.tr("Videos ({0})").format(patterns), "*"])
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        else:
            dialog.setWindowTitle(self.tr("Choose a folder of images"))
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda file: self.choose_source(_path_source(file)))
        dialog.open()

    def _on_detector(self, place: int) -> None:
        key = self.detector.itemData(place)
        if key not in self._file_detectors:
            return
        title = self.tr("Choose the model file of {0}").format(self._file_detectors[key])
        dialog = QFileDialog(self.window(), title)
        dialog.setNameFilters(["ONNX (*.onnx)", "*"])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda file: self.choose_detector(key, file))
        dialog.rejected.connect(self._forget_detector)
        dialog.open()

    def _forget_detector(self) -> None:
        if self._detector_file is None:
            self.choose_detector(_DEFAULT_DETECTOR)


def _path_source(path: str) -> LiveSource:
    return LiveSource(path, Path(path).name)
