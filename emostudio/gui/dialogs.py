"""Dialogs for decisions; everything else is said in the flow of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from emostudio.gui.actions import Command
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Kind, button
from emostudio.gui.widgets.labels import label


def _tr(text: str) -> str:
    return QCoreApplication.translate("Dialogs", text)


class Question(QDialog):
    """A question whose answers are verbs; `on_answer` gets the key, empty when it is closed."""

    def __init__(
        self,
        parent: QWidget,
        title: str,
        text: str,
        answers: Sequence[tuple[str, str, Kind]],
        on_answer: Callable[[str], object],
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setModal(True)
        self._answer = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE.xl, SPACE.page, SPACE.xl, SPACE.page)
        column.setSpacing(SPACE.m)
        column.addWidget(label(title, "section"))
        body = label(text, "body", "text2", wrap=True)
        body.setMinimumWidth(420)
        column.addWidget(body)
        row = QHBoxLayout()
        row.addStretch(1)
        for key, words, kind in answers:
            made = button(words, kind)
            made.clicked.connect(lambda _=False, key=key: self._choose(key))
            row.addWidget(made)
            if kind == "primary":
                made.setDefault(True)
        column.addLayout(row)
        self.finished.connect(lambda _code: on_answer(self._answer))

    def _choose(self, key: str) -> None:
        self._answer = key
        self.accept()


def ask_where(
    parent: QWidget, title: str, name: str, suffix: str, chosen: Callable[[Path], object]
) -> None:
    """Let the user choose a file to write; whether to replace one is for `replacing` to ask.

    Parameters
    ----------
    name
        What is proposed: a name, or a path.
    suffix
        Format, without the dot.
    """
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setDefaultSuffix(suffix)
    dialog.setNameFilters([f"{suffix.upper()} (*.{suffix})"])
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda file: chosen(Path(file)))
    dialog.open()


def is_taken(path: Path) -> bool:
    """Return whether writing to `path` would lose something; an empty folder is nothing."""
    return any(path.iterdir()) if path.is_dir() else path.exists()


def replacing(parent: QWidget, path: Path, write: Callable[[], object]) -> None:
    """Write at once if `path` is free, else only if the user says so."""
    if not is_taken(path):
        write()
        return
    words = (
        _tr("There is already a folder of this name in {0}.")
        if path.is_dir()
        else _tr("There is already a file of this name in {0}.")
    )
    question = Question(
        parent,
        _tr("Replace {0}?").format(path.name),
        words.format(path.parent),
        [("", _tr("Keep it"), "default"), ("replace", _tr("Replace"), "primary")],
        lambda key: write() if key == "replace" else None,
    )
    question.open()


def shortcuts_dialog(parent: QWidget, commands: Sequence[Command]) -> QDialog:
    """Return a window that lists all commands with their keys."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(_tr("Shortcuts"))
    column = QVBoxLayout(dialog)
    column.setContentsMargins(SPACE.xl, SPACE.page, SPACE.xl, SPACE.page)
    column.addWidget(label(_tr("Shortcuts"), "section"))
    grid = QGridLayout()
    grid.setHorizontalSpacing(SPACE.xl)
    for row, command in enumerate(commands):
        grid.addWidget(label(command.text, "body"), row, 0)
        keys = label(" or ".join(command.shortcuts), "small_medium", "text2")
        keys.setProperty("kind", "keycap")
        grid.addWidget(keys, row, 1, Qt.AlignmentFlag.AlignLeft)
    column.addLayout(grid)
    column.addWidget(button(_tr("Close"), on_click=dialog.accept), 0, Qt.AlignmentFlag.AlignRight)
    return dialog


_GUIDE = (
    ("1  Bring data", "Data: drop a folder or a CSV, or make a synthetic set in a minute."),
    ("2  Bring a teacher", "Models: import ONNX, safetensors or a state dict, or train one."),
    ("3  Compress", "Compress: stack methods; size and speed ceiling are shown before any work."),
    ("4  Watch", "Jobs: error and loss while it trains; pause, resume, cancel."),
    ("5  Compare", "Compare: paired measurements with intervals; every claim gets a verdict."),
    ("6  See", "Live: all variants judge the same frame; the camera stays off until you start."),
)


def guide_dialog(parent: QWidget) -> QDialog:
    """Return the way through the studio in six steps."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(_tr("Guide"))
    column = QVBoxLayout(dialog)
    column.setContentsMargins(SPACE.xl, SPACE.page, SPACE.xl, SPACE.page)
    column.setSpacing(SPACE.s)
    column.addWidget(label(_tr("From data to a proved gain"), "section"))
    for head, text in _GUIDE:
        column.addWidget(label(_tr(head), "body_bold"))
        body = label(_tr(text), "small", "text2", wrap=True)
        body.setMinimumWidth(460)
        column.addWidget(body)
    column.addWidget(button(_tr("Close"), on_click=dialog.accept), 0, Qt.AlignmentFlag.AlignRight)
    return dialog
