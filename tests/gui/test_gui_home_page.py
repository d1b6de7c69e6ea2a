from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QBuffer, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from emostudio.core.answers import Thumbnail
from emostudio.core.jobs import JobStatus, TrainJob
from emostudio.gui.pages.home import HomePage
from emostudio.gui.pages.settings import SettingsPage
from emostudio.gui.widgets.link_row import LinkRow
from emostudio.gui.widgets.live_preview import PreviewTime
from emostudio.qt.studio import Studio

Texts = Callable[[object], str]


@pytest.fixture
def page(qtbot: QtBot, studio: Studio) -> HomePage:
    made = HomePage(studio)
    qtbot.addWidget(made)
    made.resize(1200, 660)
    made.show()
    return made


@pytest.mark.parametrize(
    ("text", "key"),
    [("Start live demo", "live"), ("Choose a teacher", "compress"), ("Browse files", "import")],
)
def test_buttons_lead_to_their_pages(qtbot: QtBot, page: HomePage, text: str, key: str) -> None:
    found = next(b for b in page.findChildren(QAbstractButton) if b.text() == text)
    with qtbot.waitSignal(page.go) as went:
        qtbot.mouseClick(found, Qt.MouseButton.LeftButton)
    assert went.args[0] == key


def test_the_machine_card_says_what_does_not_work_and_what_to_do(
    qtbot: QtBot, page: HomePage, texts: Texts
) -> None:
    with qtbot.waitSignal(page.studio.doctor_ready, timeout=20_000):
        page.studio.start()
    qtbot.waitUntil(lambda: "Test CPU, 4 cores, AVX2, 8.0 GiB" in texts(page))
    assert "Nothing is measured yet" in texts(page)
    found = next(b for b in page.findChildren(QAbstractButton) if b.text() == "Checks (1)")
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Plug one in" in texts(page))


def test_recent_runs_open_on_the_jobs_page(qtbot: QtBot, page: HomePage) -> None:
    run = page.studio.workspace.create_run(TrainJob(architecture="t", data="d"), "My teacher")
    page.studio.workspace.update_run(run.id, status=JobStatus.FAILED, error="Disk full")
    page.refresh()
    row = next(row for row in page.findChildren(LinkRow) if row.text() == "My teacher")
    assert "Disk full" in row.accessibleName()
    with qtbot.waitSignal(page.go) as went:
        row.click()
    assert went.args == ["jobs", run.id]


def test_settings_are_saved_with_the_workspace(qtbot: QtBot, studio: Studio) -> None:
    page = SettingsPage(studio)
    qtbot.addWidget(page)
    page.show()
    page.threads.setCurrentIndex(page.threads.findData(2))
    page.threads.activated.emit(page.threads.currentIndex())
    qtbot.mouseClick(page.motion, Qt.MouseButton.LeftButton, pos=page.motion.rect().center())
    assert studio.workspace.settings().threads == 2
    reset = next(b for b in page.findChildren(QAbstractButton) if b.text() == "Reset to defaults")
    reset.click()
    assert studio.workspace.settings().threads == 0
    assert page.threads.currentData() == 0


def test_a_tile_says_variant_time_and_engine_and_covers_no_face(
    qtbot: QtBot, page: HomePage
) -> None:
    preview = page.preview
    picture = QImage(24, 24, QImage.Format.Format_RGB32)
    picture.fill(QColor("#123456"))
    stored = QBuffer()
    stored.open(QBuffer.OpenModeFlag.WriteOnly)
    picture.save(stored, "PNG")
    face = Thumbnail(item="a", png_base64=bytes(stored.data().toBase64().data()).decode())
    preview.setFixedSize(340, 180)
    preview.show_faces([face, face])

    def pixels() -> int:
        shown = preview.grab().toImage()
        colours = (
            shown.pixelColor(x, y).name()
            for x in range(shown.width())
            for y in range(shown.height())
        )
        return sum(colour == "#123456" for colour in colours)

    preview.show_times([PreviewTime("CP", "onnxruntime", 0.113, 2)])
    assert preview.accessibleDescription() == "CP: 0.11 ms, onnxruntime"
    with_time = pixels()
    preview.show_times([PreviewTime("CP", "an engine with a very long name", 0.113, 2)])
    assert pixels() == with_time  # longer words cover no more of the faces
    assert "CP: 0.11 ms" in preview.toolTip()
