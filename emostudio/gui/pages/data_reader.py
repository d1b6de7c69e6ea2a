"""Choosing the reader of a source whose layout is not recognised, or recognised wrongly."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.qt.studio import Studio


class ReaderChoice(QWidget):
    """One line: read the source as what it looks like, or as one of the known layouts.

    Signals
    -------
    chosen
        Key of a reader, None for what the source looks like.
    """

    chosen = Signal(object)

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._studio = studio
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.s)
        name = label(self.tr("Read as"), "body")
        self.box = QComboBox()
        self.box.setAccessibleName(self.tr("Read as"))
        self.box.setMinimumWidth(SPACE.control_column)
        self.box.activated.connect(lambda place: self.chosen.emit(self.box.itemData(place)))
        name.setBuddy(self.box)
        row.addWidget(name)
        row.addWidget(self.box)
        row.addStretch(1)

    def begin(self, path: str) -> None:
        """Offer the readers for another source; faces that are drawn here have but one."""
        catalogue = self._studio.catalogue
        self.box.clear()
        self.box.addItem(self.tr("What it looks like"), None)
        for entry in catalogue.readers if catalogue is not None else ():
            if entry.key != "synthetic":
                self.box.addItem(entry.title, entry.key)
        set_shown(self, path != "synthetic" and self.box.count() > 1)
