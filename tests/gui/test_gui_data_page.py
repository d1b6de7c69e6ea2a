from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from emostudio.core.jobs import ImportDataJob
from emostudio.gui.pages.data import DataPage
from emostudio.gui.pages.data_synthetic import SyntheticDialog
from emostudio.qt.studio import Studio

Texts = Callable[[object], str]


@pytest.fixture
def page(qtbot: QtBot, studio: Studio) -> DataPage:
    made = DataPage(studio)
    qtbot.addWidget(made)
    made.resize(1200, 700)
    made.show()
    return made


def click(qtbot: QtBot, page: DataPage, text: str) -> None:
    found = [b for b in page.findChildren(QPushButton) if b.isVisible() and text in b.text()]
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def test_an_empty_workspace_offers_import_and_synthetic_faces(page: DataPage, texts: Texts) -> None:
    assert "No data yet" in texts(page)
    assert "Make a synthetic set" in texts(page)


def test_the_preview_shows_counts_label_map_and_problems(
    qtbot: QtBot, page: DataPage, texts: Texts
) -> None:
    page.open(("import", "/some/faces"))
    assert not page.import_button.isEnabled()
    qtbot.waitUntil(page.import_button.isEnabled, timeout=20_000)
    qtbot.waitUntil(lambda: "cut off" in texts(page))
    seen = texts(page)
    for words in ("30 pictures", "2 emotions", "1 rows or files skipped", "x.png", "cut off"):
        assert words in seen
    assert "Import 30 pictures" in page.import_button.text()
    becomes = [page.report.label_map.table.cell(row, 1).text for row in range(2)]
    assert becomes == ["Anger", "left out"]


def test_leaving_copies_out_inspects_again_with_the_setting(qtbot: QtBot, page: DataPage) -> None:
    page.open(("import", "/some/faces"))
    qtbot.waitUntil(page.import_button.isEnabled, timeout=20_000)
    click(qtbot, page, "Leave the copies out")
    assert not page.import_button.isEnabled()
    qtbot.waitUntil(page.import_button.isEnabled, timeout=20_000)
    click(qtbot, page, "Import 30 pictures")
    job = page.studio.workspace.runs()[0].job
    assert isinstance(job, ImportDataJob)
    assert job.settings["duplicates"] == "drop"
    qtbot.waitUntil(lambda: page.studio.queue.is_idle, timeout=20_000)


def test_a_source_that_cannot_be_read_says_what_why_and_what_next(
    qtbot: QtBot, page: DataPage
) -> None:
    page.open(("import", "/broken"))
    qtbot.waitUntil(lambda: bool(page.note.text()), timeout=20_000)
    assert page.note.text() == ("No pictures found. The folder is empty. Choose another folder.")
    assert not page.import_button.isEnabled()
    click(qtbot, page, "Cancel")
    assert not page.is_previewing


def test_the_synthetic_dialog_refuses_values_out_of_bounds(qtbot: QtBot, page: DataPage) -> None:
    with qtbot.waitSignal(page.studio.catalogue_ready, timeout=20_000):
        page.studio.start()
    page.open("synthetic")
    dialog = page.findChildren(SyntheticDialog)[0]
    editor = dialog.form.editor("identities")
    editor.selectAll()
    qtbot.keyClicks(editor, "2")
    assert not dialog.ok.isEnabled()
    assert "Use at least 3" in dialog.why_not.text()
    editor.selectAll()
    qtbot.keyClicks(editor, "8")
    with qtbot.waitSignal(dialog.wanted) as wanted:
        qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    assert wanted.args[1] == {"identities": 8}


def test_a_refused_source_shows_why_and_offers_the_readers(
    qtbot: QtBot, page: DataPage, studio: Studio, texts: Texts
) -> None:
    with qtbot.waitSignal(studio.catalogue_ready, timeout=20_000):
        studio.start()
    page.preview("/some/broken")
    qtbot.waitUntil(lambda: "No pictures found" in page.note.text(), timeout=20_000)
    assert "The folder is empty. Choose another folder." in page.note.text()
    assert not page.report.isVisible()
    page.readers.box.activated.emit(page.readers.box.findData("folder"))
    assert page._reader == "folder"
    qtbot.waitUntil(lambda: page._question == "", timeout=20_000)
