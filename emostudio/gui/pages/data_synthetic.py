"""The dialog that makes a synthetic set of faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import scrolled
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.settings_form import SettingsForm

_SPLIT_FIELDS = ("contempt", "duplicates")


class SyntheticDialog(QDialog):
    """Size, content and difficulty of a set of drawn faces.

    Signals
    -------
    wanted
        Name and settings of the set to preview.
    """

    wanted = Signal(str, dict)

    def __init__(self, parent: QWidget, schema: Mapping[str, Any]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Synthetic set"))
        self.setModal(True)
        self.resize(680, 560)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE.xl, SPACE.page, SPACE.xl, SPACE.page)
        column.setSpacing(SPACE.m)
        column.addWidget(label(self.tr("Synthetic set"), "section"))
        text = self.tr(
            "Faces drawn from a seed: the same seed gives the same pictures everywhere. "
            "People of one split appear in no other."
        )
        column.addWidget(label(text, "small", "text2", wrap=True))
        row = QHBoxLayout()
        name_label = label(self.tr("Name"), "body")
        name_label.setFixedWidth(SPACE.label_column)
        self.name = QLineEdit("synthetic")
        theme().set_font(self.name, "body")
        self.name.setFixedWidth(SPACE.control_column)
        name_label.setBuddy(self.name)
        row.addWidget(name_label)
        row.addWidget(self.name)
        row.addStretch(1)
        column.addLayout(row)
        self.form = SettingsForm(schema, skip=_SPLIT_FIELDS)
        column.addWidget(scrolled(self.form), 1)
        last = QHBoxLayout()
        self.why_not = label("", "small", "bad")
        last.addWidget(self.why_not, 1)
        last.addWidget(button(self.tr("Cancel"), on_click=self.reject))
        self.ok = button(self.tr("Preview faces"), "primary", on_click=self._finish)
        last.addWidget(self.ok)
        column.addLayout(last)
        self.form.changed.connect(self._check)

    def _check(self) -> None:
        self.why_not.setText(self.form.first_error())
        self.ok.setEnabled(self.form.is_valid())

    def _finish(self) -> None:
        self.wanted.emit(self.name.text().strip() or "synthetic", self.form.values())
        self.accept()
