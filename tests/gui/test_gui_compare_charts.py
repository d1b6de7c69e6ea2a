"""Charts of the compare page, and what is exported from it."""

from pathlib import Path

import gui_fakes as fakes
import pytest
from compare_fakes import choose_chart, measured_page, show, workspace_in
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from emostudio.core.events import Failed
from emostudio.core.jobs import ChangesJob, CompareJob, EvaluateJob
from emostudio.gui.dialogs import Question
from emostudio.gui.pages.compare_export import Wanted
from emostudio.gui.pages.compare_table import columns
from emostudio.workspace.charts.catalogue import chart_kinds

workspace = pytest.fixture(workspace_in)
measured = pytest.fixture(measured_page)


CHARTS = [kind.key for kind in chart_kinds()]


@pytest.mark.parametrize("key", CHARTS)
def test_every_chart_of_the_catalogue_is_offered_and_drawn_or_says_what_is_missing(
    qtbot, measured, key
):
    measured.resize(1200, 692)
    kind = choose_chart(measured, key)
    page = measured.charts
    if kind.question:
        refuse(measured)
    if page.unmeasured.isVisibleTo(measured):
        assert kind.missing in fakes.texts(page)
        assert not page.export.isVisibleTo(measured)
        assert page.unmeasured.button.isVisibleTo(measured) == kind.is_measured
    elif key == "pareto":
        assert page.chart.isVisibleTo(measured)
    else:
        assert page.panels.isVisibleTo(measured)
        assert "int8" in page.panels.accessibleDescription()
        assert len(set(page.panels.grab().toImage().bits())) > 10


@pytest.mark.parametrize("key", ["pareto", "bars", "classes"])
def test_a_chart_turns_into_its_numbers_and_back(measured, key):
    choose_chart(measured, key)
    measured.charts.as_numbers.click()
    table = measured.charts.numbers
    assert table.isVisibleTo(measured)
    words = {cell.text for row in table.table.rows for cell in row.cells.values()}
    assert "int8" in words
    measured.charts.as_numbers.click()
    assert not table.isVisibleTo(measured)


def test_the_sizes_are_told_apart_by_what_they_mean(qtbot, measured):
    choose_chart(measured, "sizes")
    measured.resize(1200, 692)
    panels = measured.charts.panels
    meanings = {panel.title.split(",")[0]: panel.note for panel in panels.panels()}
    assert {"Disk", "Resident", "Parameters", "MACs"} <= set(meanings)
    assert len(set(meanings.values())) == len(meanings)
    shown = {panels.meaning_at(x, y) for x in range(0, 700, 20) for y in range(0, 400, 20)}
    assert set(meanings.values()) <= shown
    heads = {c.key: c.tooltip for c in columns(measured.comparison)}
    assert heads["disk"] == meanings["Disk"]
    assert "fresh process" in heads["resident"]


def test_one_chart_is_exported_with_the_limits_on_it(measured, tmp_path):
    choose_chart(measured, "calibration")
    measured.charts.view.most_ms.setValue(30.0)
    measured.export_to(tmp_path / "c.tikz", measured.charts.current())
    job, _, _ = measured.studio.asked[-1]
    assert (job.chart, job.limits.most_ms) == ("calibration", 30.0)


def test_formats_come_from_the_engine_and_only_some_hold_one_chart(measured):
    wanted = Wanted(("teacher",), "faces", "Mine")
    assert titles(measured.exporter.menu(wanted, list)) == ["HTML…", "PNG…", "Copy table as text"]
    chart = Wanted(("teacher",), "faces", "Mine", "bars")
    assert titles(measured.exporter.menu(chart, list)) == ["PNG…", "Copy numbers as text"]
    measured.studio.catalogue = None
    assert titles(measured.exporter.menu(chart, list))[0] == "The engine is starting"


def titles(menu):
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_numbers_of_a_chart_copy_as_text(measured):
    choose_chart(measured, "bars")
    measured.copy_numbers()
    text = QGuiApplication.clipboard().text()
    assert "int8" in text
    assert "Accuracy, %" in text


def test_training_curves_are_read_from_the_runs_only_when_they_are_shown(
    qtbot, workspace, monkeypatch
):
    asked = []
    monkeypatch.setattr(workspace, "events", lambda *a, **k: asked.append(a) or ([], 0))
    run = workspace.create_run(EvaluateJob(models=("int8",), data="faces"))
    file = workspace.models_folder / "int8.safetensors"
    record = workspace.model("int8")
    workspace.add_model(file, record.info, role="variant", run=run.id)
    page = show(qtbot, workspace)
    assert asked == []
    choose_chart(page, "curves")
    assert asked


def test_export_is_written_by_the_worker_and_its_folder_offered(measured, tmp_path):
    measured.export_to(tmp_path / "table.pdf")
    job, on_answer, _ = measured.studio.asked[-1]
    assert isinstance(job, CompareJob)
    assert job.models == ("teacher", "int8", "shared")
    assert Path(job.out) == tmp_path / "table.pdf"
    on_answer({"out": job.out})
    assert "Saved table.pdf" in measured.note.text()
    assert "Show in folder" in fakes.texts(measured.note)


def test_a_failed_export_says_why(measured, tmp_path):
    measured.export_to(tmp_path / "table.pdf")
    measured.studio.asked[-1][2](Failed(what="Could not write table.pdf", why="disk full"))
    assert "disk full" in measured.note.text().lower()


@pytest.mark.parametrize(("answer", "asked"), [("Keep it", 0), ("Replace", 1)])
def test_an_existing_file_is_replaced_only_if_the_user_says_so(
    qtbot, measured, tmp_path, answer, asked
):
    file = tmp_path / "table.csv"
    file.write_text("precious")
    measured.export_to(file)
    question = measured.findChild(Question)
    assert question is not None
    assert not measured.studio.asked
    buttons = {b.text(): b for b in question.findChildren(QPushButton)}
    qtbot.mouseClick(buttons[answer], Qt.MouseButton.LeftButton)
    assert len(measured.studio.asked) == asked


def test_the_table_copies_as_text_with_units(measured):
    measured.copy_table()
    text = QGuiApplication.clipboard().text()
    assert "p50 (ms)" in text
    assert "2.00×" in text


def refuse(page):
    job, _, on_error = page.studio.asked[-1]
    assert isinstance(job, ChangesJob)
    on_error(Failed(what="It is not known which pictures", next_step="Measure the accuracy"))
