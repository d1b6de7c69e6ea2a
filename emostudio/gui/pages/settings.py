"""Settings: how it looks, what computes, where things are. Every change applies at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QVBoxLayout, QWidget

from emostudio.core.errors import EmoStudioError
from emostudio.core.paths import state_folder
from emostudio.gui.pages.base import Page
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Segmented, button
from emostudio.gui.widgets.card import Card, plain, scrolled
from emostudio.gui.widgets.labels import ElidedLabel, label
from emostudio.qt.studio import Studio
from emostudio.workspace.records import UserSettings

_SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
_THREADS = (0, 1, 2, 4, 6, 8, 12, 16, 24, 32)


class SettingsPage(Page):
    """The user's choices, kept with the workspace."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, "Settings")
        self.header.add_action(
            button(self.tr("Reset to defaults"), on_click=lambda: self._save(UserSettings()))
        )
        content = plain()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        column.addWidget(self._look_card())
        column.addWidget(self._compute_card())
        column.addWidget(self._folders_card())
        column.addWidget(self._about_card())
        column.addStretch(1)
        self.body.addWidget(scrolled(content), 1)
        studio.settings_changed.connect(self.refresh)
        studio.doctor_ready.connect(self._show_versions)

    def refresh(self) -> None:
        """Show the choices in use."""
        chosen = self.studio.settings()
        self.theme.set_current(chosen.theme)
        for box, value in (
            (self.scale, chosen.text_scale),
            (self.device, chosen.device),
            (self.threads, chosen.threads),
        ):
            box.blockSignals(True)  # noqa: FBT003 - Qt's own signature
            place = box.findData(value)
            if place < 0:
                box.addItem(str(value), value)
                place = box.count() - 1
            box.setCurrentIndex(place)
            box.blockSignals(False)  # noqa: FBT003 - Qt's own signature
        self.motion.setChecked(chosen.reduce_motion)
        self._show_versions()

    def _look_card(self) -> Card:
        card = Card(self.tr("Appearance"))
        grid = _grid(card)
        self.theme = Segmented(
            (
                ("system", self.tr("As the system")),
                ("light", self.tr("Light")),
                ("dark", self.tr("Dark")),
            )
        )
        self.theme.chosen.connect(lambda key: self._change(theme=key))
        _row(grid, self.tr("Theme"), self.theme, self.tr("Exports are always light"))
        self.scale = _combo([(f"{round(100 * s)} %", s) for s in _SCALES], self.tr("Text size"))
        self.scale.activated.connect(
            lambda _index: self._change(text_scale=self.scale.currentData())
        )
        _row(grid, self.tr("Text size"), self.scale, self.tr("On top of the system's own size"))
        self.motion = QCheckBox()
        self.motion.setAccessibleName(self.tr("Reduce motion"))
        self.motion.clicked.connect(lambda on: self._change(reduce_motion=on))
        _row(grid, self.tr("Reduce motion"), self.motion, self.tr("No fading and sliding"))
        return card

    def _compute_card(self) -> Card:
        card = Card(self.tr("Computing"))
        grid = _grid(card)
        self.device = _combo(
            [(self.tr("Automatic"), "auto"), ("CPU", "cpu"), ("CUDA", "cuda"), ("MPS", "mps")],
            self.tr("Device"),
        )
        self.device.activated.connect(lambda _i: self._change(device=self.device.currentData()))
        help_text = self.tr("For training. Latency is always measured on the engine's own device")
        _row(grid, self.tr("Device"), self.device, help_text)
        words = [(str(n) if n else self.tr("One per core"), n) for n in _THREADS]
        self.threads = _combo(words, self.tr("Threads"))
        self.threads.activated.connect(lambda _i: self._change(threads=self.threads.currentData()))
        _row(grid, self.tr("Threads"), self.threads, self.tr("Jobs that start from now on use it"))
        return card

    def _folders_card(self) -> Card:
        card = Card(self.tr("Folders"))
        grid = _grid(card)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 0)
        workspace = self.studio.workspace.folder
        for row, (name, path) in enumerate(
            ((self.tr("Workspace"), workspace), (self.tr("Logs and window state"), state_folder()))
        ):
            grid.addWidget(label(name, "body"), row, 0)
            where = ElidedLabel(_from_home(path), "small", "text2")
            where.setToolTip(str(path))
            grid.addWidget(where, row, 1)
            shown = button(self.tr("Show"), "small", "folder")
            shown.setAccessibleName(self.tr("Show {0}").format(name))
            shown.clicked.connect(
                lambda _=False, path=path: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
            )
            grid.addWidget(shown, row, 2)
        return card

    def _about_card(self) -> Card:
        card = Card(self.tr("About"))
        self._versions = label("", "small", "text2", wrap=True)
        card.body.addWidget(self._versions)
        words = self.tr(
            "EmoStudio is MIT licensed. It uses Qt under the LGPL 3 and the typeface Inter under "
            "the Open Font License 1.1."
        )
        card.body.addWidget(label(words, "small", "text2", wrap=True))
        return card

    def _show_versions(self) -> None:
        report = self.studio.doctor
        if report is not None:
            text = ", ".join(f"{name} {version}" for name, version in report.versions.items())
            self._versions.setText(text)

    def _change(self, **values: Any) -> None:
        self._save(self.studio.settings().model_copy(update=values))

    def _save(self, settings: UserSettings) -> None:
        try:
            self.studio.save_settings(settings)
            self.note.show_note("info", "")
        except EmoStudioError as error:
            self.note.show_error(error)


def _grid(card: Card) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(SPACE.l)
    grid.setVerticalSpacing(SPACE.s)
    grid.setColumnMinimumWidth(0, 2 * SPACE.label_column - 60)
    grid.setColumnMinimumWidth(1, 230)
    grid.setColumnStretch(2, 1)
    card.body.addLayout(grid)
    return grid


def _row(grid: QGridLayout, name: str, control: QWidget, help_text: str) -> None:
    row = grid.rowCount()
    title = label(name, "body")
    title.setBuddy(control)
    grid.addWidget(title, row, 0)
    grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignLeft)
    grid.addWidget(label(help_text, "small", "text3"), row, 2)


def _combo(choices: Sequence[tuple[str, object]], name: str) -> QComboBox:
    box = QComboBox()
    theme().set_font(box, "body")
    box.setAccessibleName(name)
    box.setFixedWidth(SPACE.control_column)
    for text, value in choices:
        box.addItem(text, value)
    return box


def _from_home(path: Path) -> str:
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except ValueError:
        return str(path)
