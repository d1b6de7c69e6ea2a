from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from emostudio.core.jobs import JobStatus, TrainJob
from emostudio.gui.main_window import MainWindow, least_size
from emostudio.gui.recent import recent_workspaces
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.records import UserSettings
from emostudio.workspace.store import Workspace

Texts = Callable[[object], str]


@pytest.fixture
def window(qtbot: QtBot, studio: Studio) -> Iterator[MainWindow]:
    made = MainWindow(studio)
    qtbot.addWidget(made, before_close_func=lambda shown: setattr(shown, "_may_close", True))
    made.resize(1280, 720)
    made.show()
    yield made
    theme().choose("system")


def test_opening_every_page_loads_no_engine_library(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
app = QApplication([])
from emostudio.gui.main_window import MainWindow, least_size
from emostudio.gui.recent import recent_workspaces
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.store import Workspace
theme().install(app)
window = MainWindow(Studio(Workspace.open(Path({str(tmp_path / "w")!r}))))
window.show()
for entry in window.entries:
    window.go(entry.key)
    app.processEvents()
window.go("settings")
banned = ["torch", "cv2", "numba", "onnxruntime", "onnx", "tensorly", "matplotlib"]
print(len(window.entries), [name for name in banned if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    count, _, loaded = done.stdout.strip().partition(" ")
    assert int(count) >= 7
    assert loaded == "[]"


def test_digits_open_pages(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    for digit, key in ((Qt.Key.Key_2, "data"), (Qt.Key.Key_3, "models"), (Qt.Key.Key_1, "home")):
        qtbot.keyClick(window, digit)
        assert window.current == key


def test_digits_typed_into_a_field_stay_there(qtbot: QtBot, window: MainWindow) -> None:
    field = QLineEdit(window.page("home"))
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "2")
    assert field.text() == "2"
    assert window.current == "home"


def test_ctrl_comma_opens_the_settings(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    assert window.current == "settings"


def test_every_page_fits_1280_by_720_in_both_themes(qtbot: QtBot, window: MainWindow) -> None:
    for name in ("light", "dark"):
        theme().choose(name)
        for entry in window.entries:
            window.go(entry.key)
            QApplication.processEvents()
            assert window.width() == 1280
            assert window.height() == 720


def test_everything_that_takes_the_focus_has_a_name(window: MainWindow) -> None:
    nameless = []
    for entry in [*window.entries, window.rail.button("settings").entry]:
        window.go(entry.key)
        QApplication.processEvents()
        for widget in window.findChildren(QWidget):
            if not widget.isVisible() or not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                continue
            found = QAccessible.queryAccessibleInterface(widget)
            name = found.text(QAccessible.Text.Name) if found is not None else "?"
            if not name and not isinstance(widget, QLineEdit):
                nameless.append((entry.key, type(widget).__name__, widget.objectName()))
    assert nameless == []


def test_the_theme_of_the_settings_is_applied_at_once(window: MainWindow) -> None:
    for name in ("dark", "light"):
        window.studio.save_settings(UserSettings(theme=name))
        assert theme().name == name
        colour = window.palette().window().color().name().upper()
        assert colour == theme().colours.bg


def test_text_scale_makes_text_larger(window: MainWindow) -> None:
    before = theme().font("body").pixelSize()
    window.studio.save_settings(UserSettings(text_scale=1.5))
    assert theme().font("body").pixelSize() == pytest.approx(1.5 * before, abs=1)
    window.studio.save_settings(UserSettings())


def test_a_click_that_shows_another_page_leaves_no_ring(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QWidget, "underMouse", lambda widget: widget is window.rail)
    window.rail.button("data").click()
    assert window.current == "data"
    assert not window.ring.isVisible()
    window.page("data").findChildren(QPushButton)[0].setFocus()
    qtbot.waitUntil(window.ring.isVisible)


def test_the_focus_ring_follows_the_keyboard(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    button = next(b for b in window.findChildren(QPushButton) if b.isVisible())
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    assert window.ring.isVisible()
    assert window.ring.geometry().contains(button.mapTo(window, button.rect().center()))


def test_the_rail_counts_the_running_job(qtbot: QtBot, window: MainWindow) -> None:
    job = TrainJob(architecture="tiny", data="faces", training={"epochs": 100_000})
    run_id = window.studio.submit(job)
    assert window.rail.button("jobs").count == 1
    assert "1 running" in window.status.jobs.text()
    window.studio.cancel(run_id)
    qtbot.waitUntil(lambda: window.rail.button("jobs").count == 0, timeout=20_000)


def test_closing_with_a_job_asks_and_staying_keeps_it(
    qtbot: QtBot, window: MainWindow, texts: Texts
) -> None:
    job = TrainJob(architecture="tiny", data="faces", training={"epochs": 100_000})
    run_id = window.studio.submit(job)
    window.close()
    assert window.isVisible()
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    assert "One job is running" in texts(dialog)
    stay = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Keep working")
    qtbot.mouseClick(stay, Qt.MouseButton.LeftButton)
    assert window.isVisible()
    assert window.studio.queue.current == run_id
    window.studio.cancel(run_id)
    qtbot.waitUntil(lambda: window.studio.queue.is_idle, timeout=20_000)


def test_stop_save_and_close_leaves_a_run_to_resume(
    qtbot: QtBot, window: MainWindow, workspace: Workspace
) -> None:
    job = TrainJob(architecture="tiny", data="faces", training={"epochs": 100_000})
    run_id = window.studio.submit(job)
    waiting = window.studio.submit(job)
    window.close()
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    stop = next(b for b in dialog.findChildren(QPushButton) if "Stop" in b.text())
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert workspace.run(run_id).status == JobStatus.LOST
    assert workspace.run(waiting).status == JobStatus.QUEUED


def test_what_closing_stopped_is_offered_once_at_the_next_start(
    qtbot: QtBot, window: MainWindow, workspace: Workspace
) -> None:
    job = TrainJob(architecture="tiny", data="faces", training={"epochs": 100_000})
    run_id = window.studio.submit(job)
    window.close_now()
    assert workspace.run(run_id).status == JobStatus.LOST
    offers = []
    for _ in range(2):
        later = MainWindow(Studio(workspace))
        qtbot.addWidget(later)
        later.start()
        offers.append(later.notice.text())
        later.close()
    assert "One job was interrupted" in offers[0]
    assert offers[1] == ""


def test_interrupted_runs_are_offered_at_the_next_start(
    qtbot: QtBot, window: MainWindow, workspace: Workspace
) -> None:
    job = TrainJob(architecture="tiny", data="faces", training={"epochs": 2})
    run = workspace.create_run(job, "from before")
    workspace.update_run(run.id, status=JobStatus.RUNNING, pid=2**22 - 1)
    window.start()
    assert "One job was interrupted" in window.notice.text()
    window.notice.acted.emit()
    assert window.current == "jobs"
    qtbot.waitUntil(lambda: workspace.run(run.id).status == JobStatus.DONE, timeout=20_000)


def test_the_page_is_shown_again_after_a_restart(qtbot: QtBot, studio: Studio) -> None:
    first = MainWindow(studio)
    qtbot.addWidget(first)
    first.show()
    first.go("models")
    first.close()
    second = MainWindow(studio)
    qtbot.addWidget(second)
    assert second.current == "models"


def test_a_workspace_opened_once_is_listed_as_recent(
    window: MainWindow, workspace: Workspace
) -> None:
    assert recent_workspaces()[0][0] == workspace.folder


def test_dropped_models_and_data_go_to_their_pages(window: MainWindow, tmp_path: Path) -> None:
    window.import_paths([str(tmp_path / "faces")])
    assert window.current == "data"
    window.import_paths([str(tmp_path / "net.onnx")])
    assert window.current == "models"


def test_a_queued_job_is_named_in_words_where_the_catalogue_is_known(
    qtbot: QtBot, studio: Studio
) -> None:
    with qtbot.waitSignal(studio.catalogue_ready, timeout=20_000):
        studio.start()
    key, title = next(iter(studio.titles().items()))
    run = studio.submit(TrainJob(architecture=key, data="d"))
    assert key != title
    assert studio.workspace.run(run).title == f"Train {title}"


def test_the_window_stays_as_large_as_its_pages_need(window: MainWindow) -> None:
    window.setMinimumSize(least_size(QSize(1920, 1040)))  # the screen of tests is small
    window.resize(960, 600)
    least = window.minimumSize()
    assert (window.width(), window.height()) == (least.width(), least.height())
    assert least.width() <= 1280
    assert least.height() <= 720
    for entry in window.entries:
        window.go(entry.key)
        page = window.page(entry.key)
        assert page.minimumSizeHint().width() <= window.stack.width(), entry.key
        assert page.minimumSizeHint().height() <= window.stack.height(), entry.key


@pytest.mark.parametrize(
    ("screen", "least"), [((1920, 1040), (1250, 680)), ((1280, 680), (1250, 648))]
)
def test_a_small_screen_never_cuts_the_window(screen, least) -> None:
    assert least_size(QSize(*screen)) == QSize(*least)
