import gui_fakes as fakes
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QDialog

from emostudio.core.events import Cancelled, Failed, Finished, Progress
from emostudio.core.jobs import JobStatus, MachineCardJob, ProbeJob
from emostudio.core.machine_card import (
    Gain,
    MachineCard,
    MachineCardReport,
    ProbedMachine,
    RankedMethod,
)
from emostudio.gui.charts.forest import Forest
from emostudio.gui.pages.home import HomePage

MACHINE = ProbedMachine(
    cpu="Test CPU", architecture="x86_64", physical_cores=4, logical_cores=8,
    vector_units=("AVX2",), memory_bytes=8 * 2**30, versions={},
)  # fmt: skip


def ranked(title, reading="", ratio=None, outlook="size only"):
    gain = ratio and Gain(ratio=ratio, low=ratio - 0.1, high=ratio + 0.1, against="float")
    return RankedMethod(
        method=title.lower(), title=title, family="f", reading=reading, layers="3×3 conv",
        gain=gain, outlook=outlook, reason=f"because of {title}",
    )  # fmt: skip


def report(*, stale=(), warnings=(), ratio=2.5):
    card = MachineCard(
        machine=MACHINE, threads=1, measured="2026-01-02T03:04:05+00:00", seconds=30.0,
        readings=(), warnings=warnings,
    )  # fmt: skip
    ranking = (
        ranked("INT8", "int8_convolution", ratio, "kernel faster"),
        ranked("INT8 trained", "int8_convolution", ratio, "kernel faster"),
        ranked("CP", "cp_convolution", 0.8, "kernel slower"),
        ranked("Huffman"),
        ranked("FitNets", outlook="not measured"),
    )
    return MachineCardReport(card=card, ranking=ranking, stale=stale)


@pytest.fixture
def page(qtbot, workspace):
    studio = fakes.FakeStudio(workspace)
    made = HomePage(studio)
    qtbot.addWidget(made)
    made.resize(1200, 660)
    made.show()
    return made


def answer(page, found):
    """Answer the page's question for what is known."""
    job, on_answer, _ = next(
        asked for asked in page.studio.asked if asked[0].kind == "machine_card"
    )
    assert job == MachineCardJob()
    on_answer(found.model_dump(mode="json"))


def button(page, text):
    return next(
        one for one in page.findChildren(QAbstractButton) if one.text() == text and one.isVisible()
    )


def drawn(page):
    return " ".join(
        chart.accessibleDescription() for chart in page.findChildren(Forest) if chart.isVisible()
    )


def test_an_unmeasured_machine_offers_to_be_measured(qtbot, page, texts):
    answer(page, MachineCardReport())
    assert "Nothing is measured yet" in texts(page)
    assert "Probe again" not in texts(page)
    qtbot.mouseClick(button(page, "Measure this machine"), Qt.MouseButton.LeftButton)
    assert page.studio.submitted == [ProbeJob()]
    assert "Measuring this machine" in texts(page)


def test_progress_is_shown_and_cancel_stops_the_probe(qtbot, page, texts):
    answer(page, MachineCardReport())
    button(page, "Measure this machine").click()
    progress = Progress(fraction=0.4, message="INT8 convolution: block 3", seconds_left=12)
    page.studio.run_event.emit("run-1", progress)
    assert "INT8 convolution: block 3" in texts(page)
    assert "12 s left" in texts(page)
    button(page, "Cancel").click()
    assert page.studio.cancelled == ["run-1"]
    page.studio.run_event.emit("run-1", Cancelled())
    assert "Measure this machine" in texts(page)


def test_a_finished_probe_shows_the_kernels_by_reading_and_what_is_size_only(page, texts):
    answer(page, MachineCardReport())
    button(page, "Measure this machine").click()
    page.studio.run_event.emit("run-1", Finished(result=report().model_dump(mode="json")))
    assert "INT8, INT8 trained 2.50× (2.40–2.60) Kernel faster" in drawn(page)
    assert "CP 0.80× (0.70–0.90) Kernel slower" in drawn(page)
    shown = texts(page)
    assert "Size only: Huffman." in shown
    assert "Not decided by a kernel: FitNets." in shown
    assert "Other ranks and shares gain more or less" in shown
    assert "Test CPU, 4 cores, AVX2, 8.0 GiB. Measured 2 Jan, 1 thread." in shown
    assert "Probe again" in shown


def test_another_jobs_events_are_left_alone(page, texts):
    answer(page, report())
    page.studio.run_event.emit("other", Finished(result={"file": "x"}))
    page.studio.run_event.emit("other", Progress(fraction=0.5, message="Epoch 3"))
    assert "Epoch 3" not in texts(page)
    assert "INT8" in drawn(page)


def test_a_stale_card_says_why_and_gives_no_verdict(page, texts):
    answer(page, report(stale=("measured with onnxruntime 1.0, now it is 2.0",)))
    assert "No longer holds here: measured with onnxruntime 1.0, now it is 2.0" in texts(page)
    assert "2.50× (2.40–2.60) Outdated" in drawn(page)
    assert "Kernel faster" not in drawn(page)
    button(page, "Probe again").click()
    assert page.studio.submitted == [ProbeJob()]


def test_a_probe_on_a_busy_machine_says_so(page, texts):
    answer(page, report(warnings=("Other programs used 70 % of the processors meanwhile", "b")))
    assert "care: Other programs used 70 % of the processors meanwhile, and 1 more" in texts(page)


def test_a_damaged_card_is_told(page):
    answer(page, MachineCardReport(notice="The stored machine card is of no use: it is damaged"))
    assert any(
        "it is damaged" in note.accessibleName()
        for note in page.machine.findChildren(type(page.note))
        if note.isVisible()
    )


def test_a_failed_probe_keeps_what_was_known(page, texts):
    answer(page, report())
    button(page, "Probe again").click()
    page.studio.run_event.emit("run-1", Failed(what="The worker stopped", why="it was killed"))
    assert "INT8" in drawn(page)
    assert any(
        "it was killed" in note.accessibleName()
        for note in page.machine.findChildren(type(page.note))
        if note.isVisible()
    )


def test_a_probe_that_runs_already_is_followed_and_one_that_vanished_let_go(page, texts):
    answer(page, report())
    run = page.studio.workspace.create_run(ProbeJob(), "Machine probe")
    page.refresh()
    assert "Begins when the jobs before it are done" in texts(page)
    page.studio.workspace.update_run(run.id, status=JobStatus.RUNNING, fraction=0.2, message="Hm")
    page.refresh()
    assert "Hm" in texts(page)
    page.studio.workspace.update_run(run.id, status=JobStatus.LOST)
    page.refresh()
    assert "INT8" in drawn(page)
    page.studio.run_event.emit(run.id, Finished(result=report(ratio=3.5).model_dump(mode="json")))
    assert "3.50×" in drawn(page)  # told late, but not lost


def test_the_card_is_exported_and_a_file_is_not_replaced_unasked(qtbot, page, tmp_path):
    answer(page, report())
    file = tmp_path / "card.csv"
    page.probing.export(file)
    job, on_answer, _ = page.studio.asked[-1]
    assert job == MachineCardJob(out=str(file))
    on_answer({"out": str(file)})
    assert "Saved card.csv." in page.note.text()
    file.write_text("mine")
    page.probing.export(file)
    assert len([asked for asked in page.studio.asked if asked[0].kind == "machine_card"]) == 2
    dialog = next(one for one in page.findChildren(QDialog) if one.isVisible())
    next(b for b in dialog.findChildren(QAbstractButton) if b.text() == "Replace").click()
    assert page.studio.asked[-1][0] == MachineCardJob(out=str(file))


def test_variants_and_checks_are_one_click_away(page, texts):
    answer(page, report(warnings=("The machine runs on battery",)))
    assert "runs on battery" in texts(page)
    button(page, "Variants").click()
    assert "No variant is measured yet" in texts(page)
    assert "runs on battery" not in texts(page)  # that was about the kernels
    assert "Measured 2 Jan" not in texts(page)
    button(page, "Checks").click()
    assert "Check again" in texts(page)
    button(page, "Methods").click()
    assert "INT8" in drawn(page)
