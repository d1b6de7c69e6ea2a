"""The live page, spoken to through its controls and visible words."""

from multiprocessing import shared_memory

import gui_fakes as fakes
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from emostudio.core.answers import CatalogueEntry, DoctorReport, Latency, LiveReport, LiveVariant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished, LiveCounters, LiveFrame, Note, SharedMemory
from emostudio.gui.pages.live import LivePage
from emostudio.gui.pages.live_panel import frame_shares
from emostudio.gui.pages.live_sources import LiveSource
from emostudio.gui.pages.live_stage import StageVariant

HEIGHT, WIDTH = 48, 64


@pytest.fixture
def studio(qapp, tmp_path):
    with fakes.open_workspace(tmp_path) as workspace:
        yield fakes.FakeStudio(workspace)


@pytest.fixture
def page(qtbot, studio):
    studio.save_settings(studio.settings().model_copy(update={"live_notice_read": True}))
    page = LivePage(studio)
    qtbot.addWidget(page)
    page.resize(1200, 692)
    page.show()
    return page


@pytest.fixture
def block():
    memory = shared_memory.SharedMemory(create=True, size=HEIGHT * WIDTH * 4 * 3)
    np.ndarray((3, HEIGHT, WIDTH, 4), np.uint8, memory.buf)[:] = 90
    yield memory
    memory.close()
    memory.unlink()


def probabilities(emotion, value=0.9):
    rest = (1 - value) / 7
    return tuple(value if name == emotion else rest for name in EMOTIONS)


def frame(number=1, *, faces=((4, 5, 20, 22),), said=("happiness", "happiness", "fear")):
    told = tuple((probabilities(name),) * len(faces) for name in said)
    return LiveFrame(
        number=number, slot=0, height=HEIGHT, width=WIDTH, captured_s=0.0, faces=faces,
        probabilities=told,
    )  # fmt: skip


def report(**more):
    variants = tuple(
        LiveVariant(model=name, engine="torch", labels=EMOTIONS, inferences=50, fps=fps,
                    latency_ms=Latency(p50=1000 / fps, p95=1100 / fps), agreement=agreement)
        for name, fps, agreement in (("a", 20, None), ("b", 50, 0.98), ("c", 80, 0.5))
    )  # fmt: skip
    stages = {"grab": 2.0, "detect": 8.0, "crop": 0.5, "draw": 1.0}
    return LiveReport(
        source="synthetic", frames=60, dropped=2, faces=40, fps=11.6, stages_ms=stages,
        variants=variants, **more,
    )  # fmt: skip


def play(qtbot, page, studio, block, shown):
    page.start()
    feed = studio.feeds[-1]
    slot_bytes = HEIGHT * WIDTH * 4
    feed.accept(SharedMemory(name=block.name, slot_bytes=slot_bytes, slots=3))
    with qtbot.waitSignal(feed.frame_arrived):
        feed.accept(shown)
    return feed


def test_the_notice_has_to_be_read_before_anything_starts(qtbot, studio):
    page = LivePage(studio)
    qtbot.addWidget(page)
    page.show()
    assert not page.controls.start.isEnabled()
    assert "AI Act" in fakes.texts(page.notice)
    page.start()
    assert not studio.feeds
    qtbot.mouseClick(page.notice.accept, Qt.MouseButton.LeftButton)
    assert page.controls.start.isEnabled()
    assert studio.workspace.settings().live_notice_read


def test_a_start_asked_for_elsewhere_happens_once_the_notice_is_read(qtbot, studio):
    page = LivePage(studio)
    qtbot.addWidget(page)
    page.open("start")
    assert not studio.feeds
    page.notice.accept.click()
    assert len(studio.feeds) == 1


def test_another_page_can_choose_a_variant_and_the_teacher_comes_along(page, studio):
    page.open("shared")
    page.start()
    assert studio.live_job.variants == ("teacher", "shared")


def test_the_synthetic_camera_and_haar_are_the_default(page, studio):
    page.start()
    assert (studio.live_job.source, studio.live_job.detector) == ("synthetic", "haar")


def test_the_teacher_is_the_first_variant_of_the_job(page, studio):
    page.start()
    assert studio.live_job.variants[0] == "teacher"
    assert set(studio.live_job.variants) == {"teacher", "int8", "shared"}


def test_two_models_are_needed_and_the_page_says_so(qtbot, qapp, tmp_path):
    with fakes.open_workspace(tmp_path, variants=()) as workspace:
        studio = fakes.FakeStudio(workspace)
        studio.save_settings(studio.settings().model_copy(update={"live_notice_read": True}))
        page = LivePage(studio)
        qtbot.addWidget(page)
        page.show()
        assert "at least two models" in page.controls.start.toolTip()
        with qtbot.waitSignal(page.go) as gone:
            page.empty.acted.emit()
        assert gone.args[0] == "models"
        with qtbot.waitSignal(page.go) as gone:
            qtbot.mouseClick(page.empty.link, Qt.MouseButton.LeftButton)
        assert gone.args[0] == "jobs"
        assert [job.kind for job in studio.submitted] == ["quickstart"]


def test_a_frame_reaches_every_tile_with_each_variants_own_words(qtbot, page, studio, block):
    play(qtbot, page, studio, block, frame())
    words = [tile.words() for tile in page.stage.tiles()]
    assert words[0].startswith("Happiness .90")
    assert words[2].startswith("Fear .90")


def test_only_the_variant_that_disagrees_is_marked(qtbot, page, studio, block):
    play(qtbot, page, studio, block, frame())
    marks = ["Differs from teacher" in tile.words() for tile in page.stage.tiles()]
    assert marks == [False, False, True]


def test_a_frame_without_faces_says_so(qtbot, page, studio, block):
    play(qtbot, page, studio, block, frame(faces=(), said=("happiness",) * 3))
    tiles = page.stage.tiles()
    assert len(tiles) == 3
    assert all("No face" in tile.words() for tile in tiles)


def test_a_low_probability_is_called_unsure(qtbot, page, studio, block):
    event = frame().model_copy(update={"probabilities": ((probabilities("fear", 0.2),),) * 3})
    play(qtbot, page, studio, block, event)
    assert page.stage.tiles()[0].words().startswith("Unsure .20")


def test_counters_show_speed_and_agreement(qtbot, page, studio, block):
    feed = play(qtbot, page, studio, block, frame())
    with qtbot.waitSignal(feed.counters_changed):
        feed.accept(LiveCounters(report=report().model_dump(mode="json")))
    tiles = page.stage.tiles()
    assert "20 FPS" in tiles[0].words()
    assert "reference" in tiles[0].words()
    assert "98.0 %" in tiles[1].words()
    assert "50 FPS" in page.panel.race.accessibleDescription() or (
        "50.0 FPS" in page.panel.race.accessibleDescription()
    )
    assert "11.6 frames/s shared, 2 dropped" in fakes.texts(page.time)
    table = page.panel.table.table.as_text()
    assert "98.0 %" in table


def test_the_camera_mark_is_shown_only_for_a_real_camera(page, studio):
    page.start()
    assert page.controls.mark.isHidden()
    studio.feeds[-1].accept(Finished())
    page.controls.choose_source(LiveSource("camera:0", "Webcam", is_camera=True))
    page.start()
    assert page.controls.mark.isVisibleTo(page)
    assert "Nothing is stored" in fakes.texts(page.controls.mark)
    studio.feeds[-1].accept(Finished())
    assert page.controls.mark.isHidden()


def test_leaving_the_page_asks_the_worker_to_stop_at_once(qtbot, page, studio):
    page.start()
    with qtbot.waitSignal(studio.feeds[-1].stop_requested):
        page.hide()


def test_a_failure_is_explained_and_another_start_is_possible(page, studio):
    page.start()
    studio.feeds[-1].accept(
        Failed(what="The camera stopped", why="it was unplugged", next_step="Plug it in")
    )
    assert "The camera stopped" in page.note.text()
    assert "unplugged" in page.note.text()
    assert page.controls.start.isVisibleTo(page)
    assert not page.is_running


def test_a_picture_that_stands_still_is_called_stale(qtbot, page, studio, block, monkeypatch):
    monkeypatch.setattr("emostudio.gui.pages.live_stage.STALE_AFTER_S", 0.05)
    play(qtbot, page, studio, block, frame())
    qtbot.waitUntil(lambda: page.stage.tiles()[0].state() == "stale", timeout=3000)
    assert "No frame for" in page.stage.tiles()[0].words()


def test_tiles_say_stopped_after_the_end_and_keep_their_numbers(qtbot, page, studio, block):
    feed = play(qtbot, page, studio, block, frame())
    feed.accept(LiveCounters(report=report().model_dump(mode="json")))
    feed.accept(Finished())
    assert page.stage.tiles()[1].state() == "stopped"
    assert "50 FPS" in page.stage.tiles()[1].words()


def test_cameras_appear_by_name(page, studio):
    machine = {"cameras": [{"index": 2, "name": "Integrated Webcam"}]}
    studio.doctor = DoctorReport(machine=machine, versions={}, checks=())
    studio.doctor_ready.emit()
    combo = page.controls.source
    titles = [combo.itemText(place) for place in range(combo.count())]
    assert titles[:2] == ["Synthetic camera", "Integrated Webcam"]
    assert "Video file…" in titles


def test_full_screen_shows_the_tiles_and_gives_them_back(qtbot, page):
    page.toggle_full_screen()
    assert page.stage.window() is not page
    page.toggle_full_screen()
    assert page.stage.window() is page


def test_the_parts_of_a_frame_come_in_their_order():
    variants = [StageVariant("a", 0), StageVariant("b", 1), StageVariant("c", 2)]
    names = [share.name for share in frame_shares(report(), variants)]
    assert names == ["Grab", "Detect", "Crop", "a", "b", "c", "Draw"]


def test_every_control_has_an_accessible_name(page):
    from PySide6.QtWidgets import QAbstractButton, QComboBox

    for kind in (QAbstractButton, QComboBox):
        for widget in page.controls.findChildren(kind):
            assert widget.accessibleName() or getattr(widget, "text", lambda: "")(), widget


def choose(combo, text):
    place = next(n for n in range(combo.count()) if combo.itemText(n) == text)
    combo.setCurrentIndex(place)
    combo.activated.emit(place)


@pytest.mark.parametrize(
    ("entry", "path"), [("Video file…", "/films/faces.mp4"), ("Image folder…", "/pictures/faces")]
)
def test_files_and_folders_become_sources_by_a_dialog(page, studio, entry, path):
    choose(page.controls.source, entry)
    dialog = page.window().findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(path)
    dialog.reject()
    assert page.controls.source.currentText() == path.rsplit("/", 1)[-1]
    page.start()
    assert studio.live_job.source == path


def test_a_dismissed_dialog_keeps_the_source(page):
    choose(page.controls.source, "Video file…")
    page.window().findChild(QFileDialog).reject()
    assert page.controls.source.currentText() == "Synthetic camera"


def test_yunet_takes_its_file_along(page, studio):
    choose(page.controls.detector, "YuNet…")
    dialog = page.window().findChild(QFileDialog)
    dialog.fileSelected.emit("/models/yunet.onnx")
    dialog.accept()
    page.start()
    job = studio.live_job
    assert (job.detector, job.detector_file) == ("yunet", "/models/yunet.onnx")


def test_any_detector_that_needs_a_file_is_asked_for_it(page):
    page.controls.set_detectors(
        (
            CatalogueEntry(key="haar", title="Haar"),
            CatalogueEntry(key="other", title="Other", needs_file=True),
            CatalogueEntry(key="gone", title="Gone", available=False, needs_file=True),
        )
    )
    choose(page.controls.detector, "Other…")
    dialog = page.window().findChild(QFileDialog)
    assert dialog.windowTitle() == "Choose the model file of Other"
    dialog.fileSelected.emit("/models/other.onnx")
    dialog.accept()
    assert page.controls.chosen_detector() == ("other", "/models/other.onnx")
    gone = page.controls.detector.findData("gone")
    assert not page.controls.detector.model().item(gone).isEnabled()


def test_yunet_without_a_file_falls_back_to_haar(page):
    choose(page.controls.detector, "YuNet…")
    page.window().findChild(QFileDialog).reject()
    assert page.controls.chosen_detector() == ("haar", None)


def test_what_only_informs_leaves_the_tiles_their_room(page, studio):
    page.start()
    why = "Chosen by measurement. VGG-S: onnxruntime 0.2 ms, openvino 0.3 ms; CP: packed 0.1 ms"
    studio.feeds[-1].accept(Note(level="info", what="VGG-S runs on onnxruntime", why=why))
    assert page.note.text() == "VGG-S runs on onnxruntime. Chosen by measurement."
    assert page.note.toolTip() == f"{why}."
    studio.feeds[-1].accept(
        Note(level="warning", what="Few frames", why="The camera is slow. Or dark")
    )
    assert page.note.text().endswith("The camera is slow. Or dark.")
    studio.feeds[-1].accept(Failed(what="The camera stopped", why="it was unplugged"))
    assert page.note.toolTip() == ""
