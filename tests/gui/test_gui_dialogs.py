"""Where to write a file, and never over another one unasked."""

import pytest
import shiboken6
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from emostudio.gui.dialogs import Question, ask_where, is_taken, replacing


@pytest.fixture
def window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    return window


def test_a_chosen_file_is_told_and_the_dialog_is_gone(qtbot, window, tmp_path):
    told = []
    ask_where(window, "Save", str(tmp_path / "mine.json"), "json", told.append)
    dialog = window.findChild(QFileDialog)
    assert [dialog.directory().path(), *dialog.selectedFiles()] == [
        str(tmp_path),
        str(tmp_path / "mine.json"),
    ]
    dialog.accept()
    assert told == [tmp_path / "mine.json"]
    qtbot.waitUntil(lambda: not shiboken6.isValid(dialog))


def test_the_file_dialog_leaves_the_question_to_us(qtbot, window, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text("precious")
    told = []
    ask_where(window, "Save", str(file), "json", told.append)
    window.findChild(QFileDialog).accept()
    assert told == [file]


def test_where_nothing_is_it_is_written_at_once(window, tmp_path):
    done = []
    (tmp_path / "empty").mkdir()
    for name in ("free.csv", "empty"):
        replacing(window, tmp_path / name, lambda name=name: done.append(name))
    assert done == ["free.csv", "empty"]
    assert window.findChild(Question) is None


@pytest.mark.parametrize(("answer", "times"), [("Keep it", 0), ("Replace", 1)])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_there_is_replaced_only_if_the_user_says_so(window, tmp_path, kind, answer, times):
    path = tmp_path / "taken"
    if kind == "folder":
        path.mkdir()
    (path / "mine" if kind == "folder" else path).write_text("precious")
    assert is_taken(path)
    done = []
    replacing(window, path, lambda: done.append(path))
    question = window.findChild(Question)
    assert done == []
    buttons = {made.text(): made for made in question.findChildren(QPushButton)}
    buttons[answer].click()
    assert len(done) == times
