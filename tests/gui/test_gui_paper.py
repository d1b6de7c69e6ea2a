"""The Paper page: the paper's figures and ours, never one without the other's caveats."""

from pathlib import Path

import gui_fakes as fakes
import pytest
from paper_fakes import benched, evaluation, record, trained
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QScrollArea

from emostudio.core.jobs import JobStatus, PaperJob, PaperReportJob
from emostudio.gui.dialogs import Question
from emostudio.gui.pages.paper import PaperPage
from emostudio.gui.pages.paper_setup import StudyDialog
from emostudio.gui.theme import theme
from emostudio.gui.widgets.buttons import Segmented
from emostudio.paper.catalogue import EXPERIMENTS
from emostudio.paper.distillation import student_key
from emostudio.paper.gains import BENCH
from emostudio.paper.study import Study, StudySettings, inputs_of
from emostudio.workspace.store import Workspace


@pytest.fixture
def workspace(qapp, tmp_path):
    theme().install(qapp)  # the widths of columns are those of its font
    with Workspace.open(tmp_path / "workspace") as workspace:
        yield workspace


def keep_networks(workspace, settings=None, count=None):
    """A study with the trainings of Table 2; with all of them comes the benchmark."""
    study = Study(workspace.folder, settings or StudySettings())
    study.write_record(record(study.settings))
    parts = {part.key: part for part in EXPERIMENTS.get("table2").parts(study.settings)}
    found = {}
    for key, part in list(parts.items())[:count]:
        if key == BENCH:
            names = [result.model for result in found.values()]
            made = benched(part, names, simulated=("model-binary_activations-s0",))
        else:
            made = trained(part)
        study.keep(made.model_copy(update={"inputs": inputs_of(part, found)}))
        if made.model:
            found[key] = made
    return study


def show(qtbot, workspace):
    page = PaperPage(fakes.FakeStudio(workspace))
    qtbot.addWidget(page)
    page.resize(1200, 692)
    page.show()
    return page


@pytest.fixture
def page(qtbot, workspace):
    keep_networks(workspace)
    return show(qtbot, workspace)


def cell(page, row_id, key):
    """The cell of a column that is shown, whether or not with its interval."""
    model = page.view.table.table
    row = next(place for place, row in enumerate(model.rows) if row.id == row_id)
    keys = {key, key.replace("-ours", "-alone")}
    column = next(place for place, column in enumerate(model.columns) if column.key in keys)
    return model.cell(row, column)


def press(page, words):
    found = [made for made in page.findChildren(QPushButton) if made.text() == words]
    shown = [made for made in found if made.isVisibleTo(page)]
    assert len(shown) == 1, words
    shown[0].click()


def test_before_the_first_run_one_button_starts_the_quick_preset(qtbot, workspace):
    page = show(qtbot, workspace)
    assert "No experiment has run yet" in fakes.texts(page)
    press(page, "Run the quick preset")
    assert page.studio.submitted == [PaperJob()]


def test_our_numbers_stand_beside_the_paper_s(page):
    assert cell(page, "hashed", "accuracy-paper").text == "96.31"
    assert cell(page, "hashed", "accuracy-ours").text == "90.0 ± 3.3"
    assert cell(page, "hashed", "speed-ours").text.startswith("2.00 ± ")
    assert cell(page, "hashed", "verdict").verdict == "proved"


def columns_of(page):
    return [column.key for column in page.view.table.table.columns]


def test_a_page_shows_as_many_columns_as_fit_beside_readable_names(page, qtbot):
    table = page.view.table
    details = ("accuracy-as_paper", "inference_ms-ours", "speed-ours")
    for width, wanted in ((1520, details), (1200, details[2:]), (1120, ()), (1800, details)):
        page.resize(width, 692)
        qtbot.waitUntil(lambda wanted=wanted: {*details} & {*columns_of(page)} == {*wanted})
        assert table.columnWidth(0) >= 140
        shown = sum(table.columnWidth(place) for place in range(len(columns_of(page))))
        assert shown == table.viewport().width()
        assert table.selected_id() == "vgg_s"


def test_names_keep_their_width_when_another_table_was_shown_before(page, qtbot):
    page.view.list.choose(["table1"])
    wide = page.view.table.columnWidth(0)
    page.view.list.choose(["table2"])
    assert 140 <= page.view.table.columnWidth(0) < wide
    assert page.view.table.horizontalScrollBar().maximum() == 0


def test_no_figure_of_the_paper_is_cut(page):
    table = page.view.table
    for place, column in enumerate(table.table.columns[1:], 1):
        if column.key.endswith(("paper", "ours", "alone")):
            assert table.sizeHintForColumn(place) <= table.columnWidth(place), column.key


def test_the_tip_of_a_row_begins_with_its_name(page):
    assert cell(page, "squeezenet", "name").tooltip.startswith("SqueezeNet 1.1. Table 2, row 2")


def test_what_must_be_read_is_reached_and_scrolled_with_keys(page, qtbot):
    area = page.view.read_first.findChild(QScrollArea)
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)
    assert area.accessibleName() == "Read this before you quote it"
    assert area.focusPolicy() & Qt.FocusPolicy.TabFocus
    qtbot.keyClick(area, Qt.Key.Key_PageDown)
    assert area.verticalScrollBar().value() > 0


def test_a_figure_that_has_not_run_says_so_and_can_be_run(qtbot, workspace):
    keep_networks(workspace, count=2)
    page = show(qtbot, workspace)
    page.view.list.choose(["figure6"])
    assert "Not run yet. The paper: last test error 11.68" in fakes.texts(page.view.not_run)
    assert page.view.not_run.isVisible()
    assert not page.view.curves.isVisible()
    press(page, "Run Figures 1 to 6")
    assert page.studio.submitted == [PaperJob(experiment="figures")]
    page.view.list.choose(["figure1"])
    assert page.view.curves.isVisible()


def test_size_has_the_honest_column_and_the_paper_accounting(page):
    assert cell(page, "bwn", "size_mib-paper").text == "11.6"
    assert "4,000" not in cell(page, "bwn", "size_mib-ours").text
    assert "exact" in cell(page, "bwn", "size_mib-as_paper").tooltip


def test_every_number_tells_its_interval_engine_and_machine(page):
    told = cell(page, "hashed", "inference_ms-ours").tooltip
    for words in ("95 %", "onnxruntime, 1 thread", "Test CPU, 2 cores"):
        assert words in told


def test_what_was_not_measured_is_a_dash(page):
    assert cell(page, "binary_activations", "inference_ms-ours").text == "–"
    assert cell(page, "binary_activations", "verdict").verdict == "simulated"


def test_the_chosen_row_is_told_in_full_beside_the_caveats(page, qtbot):
    page.view.table.select_id("bwn")
    qtbot.waitUntil(lambda: "BWN." in fakes.texts(page.view.read_first))
    told = fakes.texts(page.view.read_first)
    assert "Wilson, 400 pictures" in told
    assert "drawn test faces" in told
    assert "binary weights that lie in the file" in told


def test_drawn_faces_are_said_to_be_no_rafd(page):
    assert "Drawn faces, not RaFD" in fakes.texts(page)


def test_the_chart_says_its_numbers(page):
    words = page.view.dumbbell.accessibleDescription()
    assert "HashedNets paper 96.31 ours 90.0" in words


def test_the_list_tells_what_is_done(page):
    entries = {item.run_id: item.icon for item in page.view.list.items()}
    assert list(entries) == ["table1", "table2", "table3", *(f"figure{n}" for n in range(1, 7))]
    assert entries["table2"] == entries["figure4"] == "check"
    assert entries["table3"] == "clock"
    assert entries["table1"] == "check"
    assert "8 of 9 done" in fakes.texts(page)


def test_a_figure_shows_its_curve_and_the_paper_s_error(page):
    page.view.list.choose(["figure2"])
    assert page.view.table.selected_id() == "figure2"
    curves = page.view.curves.curves()
    assert list(curves["train"].y) == [50.0, 20.0]
    assert curves["paper"].y[0] == pytest.approx(3.69)
    assert "Figure 2, HashedNets" in fakes.texts(page)


def test_a_table_that_is_half_done_shows_what_there_is(qtbot, workspace):
    keep_networks(workspace, count=2)
    page = show(qtbot, workspace)
    assert cell(page, "squeezenet", "accuracy-ours").text == "90.0 ± 3.3"
    assert cell(page, "hashed", "accuracy-ours").text == "–"
    entries = {item.run_id: item.icon for item in page.view.list.items()}
    assert entries["table1"] == "clock"  # nothing was timed, so it has nothing of ours


def test_table_3_tells_whether_the_ordering_holds(qtbot, workspace):
    study = keep_networks(workspace)
    parts = {part.key: part for part in EXPERIMENTS.get("table3").parts(study.settings)}
    teacher = trained(parts["teacher-foreign"])
    study.keep(teacher)
    for seed in range(3):
        judged, asked = [], []
        for loss, start in (("labels", 0.5), ("softmax", 0.6)):
            part = parts[student_key("foreign", loss, seed)]
            made = trained(part, evaluation=None, inputs=(teacher.identity,))
            judged.append(evaluation(made.model, start + seed / 100))
            asked.append(made.identity)
            study.keep(made)
        part = parts[f"students-s{seed}"]
        study.keep(trained(part, model="", evaluations=tuple(judged), inputs=tuple(asked)))
    page = show(qtbot, workspace)
    page.view.list.choose(["table3"])
    qtbot.waitUntil(lambda: "Not decided: " in fakes.texts(page))
    told = fakes.texts(page)
    assert "Not decided: softmax outputs above labels only." in told
    assert "+\N{NO-BREAK SPACE}10.0\N{NO-BREAK SPACE}points" in told
    assert "3 seeds, a ranking needs 5" in told
    assert "95\N{NO-BREAK SPACE}%" in told
    assert "95 %" not in told


def test_a_running_study_can_be_stopped_and_says_what_is_kept(qtbot, workspace):
    keep_networks(workspace, count=2)
    run = workspace.create_run(PaperJob())
    workspace.update_run(
        run.id, status=JobStatus.RUNNING, fraction=0.4, message="BWN", seconds_left=300.0
    )
    page = show(qtbot, workspace)
    assert "5 min" in fakes.texts(page)
    press(page, "Stop")
    assert page.studio.cancelled == [run.id]
    assert "What is finished is kept" in page.note.text()


def test_run_goes_on_with_the_study_that_is_shown(qtbot, workspace):
    keep_networks(workspace, StudySettings(data="faces"), count=2)
    page = show(qtbot, workspace)
    menu = page.run_menu()
    actions = {action.text(): action for action in menu.actions()}
    only = [text for text in actions if text.startswith("Only ")]
    assert only == ["Only Table 2", "Only Table 3", "Only Figures 1 to 6"]
    actions["Only Table 3"].trigger()
    assert page.studio.submitted == [PaperJob(experiment="table3", data="faces")]


def test_another_study_can_be_shown(qtbot, workspace):
    keep_networks(workspace, StudySettings(data="faces"))
    keep_networks(workspace, count=1)
    page = show(qtbot, workspace)
    (other,) = [a for a in page.run_menu().actions() if a.text() == "Show Preset: quick, faces"]
    other.trigger()
    assert "quick, faces, seed 0" in page.header.facts.full_text()


def test_a_new_study_is_asked_for_with_preset_pictures_and_teacher(qtbot, workspace):
    fakes.add_model(workspace, "black-box", role="teacher")
    page = show(qtbot, workspace)
    press(page, "Choose pictures, teacher and size")
    dialog = page.findChild(StudyDialog)
    dialog.findChild(Segmented).set_current("full")
    boxes = {box.accessibleName(): box for box in dialog.findChildren(QComboBox)}
    boxes["Teacher, Table 3"].setCurrentIndex(boxes["Teacher, Table 3"].findText("black-box"))
    press(dialog, "Run")
    assert page.studio.submitted == [PaperJob(preset="full", teacher="black-box")]


def test_a_report_is_written_by_the_worker(page, tmp_path):
    out = tmp_path / "paper.pdf"
    page.exporter.export(PaperJob(), out)
    job, on_answer, _ = page.studio.asked[-1]
    assert job == PaperReportJob(study=PaperJob(), out=str(out))
    on_answer({"out": str(out)})
    assert "Saved paper.pdf" in page.note.text()


def test_all_formats_are_offered(page):
    menu = page.exporter.menu(PaperJob())
    assert isinstance(menu, QMenu)
    names = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert names == [f"{entry.title}…" for entry in page.studio.catalogue.formats]


def test_a_file_that_is_there_is_not_replaced_unasked(page, tmp_path):
    out = tmp_path / "paper.csv"
    out.write_text("mine")
    page.exporter.export(PaperJob(), out)
    assert page.studio.asked == []
    page.findChild(Question).reject()
    assert page.studio.asked == []


def test_the_table_shown_is_copied_as_latex(page):
    press(page, "Copy as LaTeX")
    job, on_answer, _ = page.studio.asked[-1]
    assert job.study.experiment == "table2"
    Path(job.out).write_text(r"\begin{table}")
    on_answer({"out": job.out})
    assert QGuiApplication.clipboard().text() == r"\begin{table}"
    assert "clipboard" in page.note.text()
