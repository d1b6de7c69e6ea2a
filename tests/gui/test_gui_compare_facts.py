"""What the compare page says about its figures: where they come from, and as numbers."""

import gui_fakes as fakes
import pytest
from compare_fakes import show
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QStyleOptionViewItem

from emostudio.gui.pages.compare_numbers import NumbersTable
from emostudio.workspace.charts.base import Chart, Mark, Plot, Scale
from emostudio.workspace.store import Workspace

MEASURED = {
    "teacher": (0.95, 40.0, None, None),
    "int8": (0.945, 20.0, 2.0, (1.9, 2.1)),
}
MACHINE = {"cpu": "Core i7", "physical_cores": 4, "vector_units": ["AVX2"]}
BLOCKERS = ("Only 6 blocks; 30 are needed", "Other programs used 66 % of the processors meanwhile")


@pytest.fixture
def workspace(qapp, tmp_path):
    with fakes.open_workspace(tmp_path / "workspace", ("int8",)) as workspace:
        yield workspace


def test_the_machine_stands_behind_the_title(qtbot, workspace):
    fakes.add_measurements(workspace, MEASURED, machine=MACHINE)
    facts = show(qtbot, workspace).header.facts.full_text()
    assert facts == "faces, test split, 320 images. 1 thread. Core i7, 4 cores, AVX2"


def test_every_reason_against_publication_is_told_with_a_remedy(qtbot, workspace):
    fakes.add_measurements(workspace, MEASURED, blockers=BLOCKERS)
    page = show(qtbot, workspace)
    assert page.barred.isVisibleTo(page)
    page.barred.click()
    assert all(f"{reason}." in page.note.text() for reason in BLOCKERS)
    assert "Measure again" in fakes.texts(page.note)


def test_the_table_gives_way_to_a_note_and_comes_back(qtbot, workspace):
    for place in range(14):
        fakes.add_model(workspace, f"variant {place}")
    page = show(qtbot, workspace)
    page.setFixedSize(1200, 692)
    page.note.put_away()
    whole = page.table.height()
    page.note.show_note("warn", "Something happened.", "It takes a line.\nOr two.")
    assert page.table.height() < whole
    page.note.put_away()
    assert page.table.height() == whole


def test_figures_that_may_be_published_are_not_marked(qtbot, workspace):
    fakes.add_measurements(workspace, MEASURED)
    page = show(qtbot, workspace)
    assert not page.barred.isVisibleTo(page)


def test_an_empty_workspace_offers_what_can_be_done_only(qtbot, tmp_path):
    with Workspace.open(tmp_path / "empty") as empty:
        page = show(qtbot, empty)
        shown = fakes.texts(page)
    assert "New compression" in shown
    assert not {"Columns", "Measure", "Export", "0 models"} & set(shown.splitlines())


def test_one_model_is_not_called_models(qtbot, workspace):
    page = show(qtbot, workspace)
    page.choose_models.toggle("int8")
    assert "1 model" in fakes.texts(page.header).splitlines()


def numbers(qtbot, *marks):
    table = NumbersTable()
    qtbot.addWidget(table)
    plot = Plot(title="Accuracy", x=Scale("Inference p50, ms"), y=Scale("Change"), marks=marks)
    table.show_chart(Chart("pareto", "Accuracy against time", "", (plot,)))
    return table


def test_numbers_of_a_column_have_the_same_decimals_and_real_minus_signs_that_are_copied_plain(
    qtbot,
):
    table = numbers(
        qtbot,
        Mark("teacher", 0, x=0.172, y=-0.5, x_interval=(0.17, 0.1733333)),
        Mark("int8", 1, x=0.0853, y=12.25),
    )
    lines = [line.split("\t") for line in table.table.as_text().splitlines()]
    assert lines[0][:3] == ["Variant", "Inference p50, ms", "Low"]
    assert lines[1][1:5] == ["0.1720", "0.1700", "0.1733", "-0.50"]
    assert table.table.cell(0, 4).text == "−0.50"
    assert lines[2][1:5] == ["0.0853", "", "", "12.25"]


def test_words_that_do_not_fit_are_whole_in_the_tooltip(qtbot):
    name = "a variant with a name that is far too long"
    table = numbers(qtbot, Mark(name, 0, x=1.0, y=2.0))
    option = QStyleOptionViewItem()
    for width, words in ((60, name), (600, "")):
        option.rect = QRect(0, 0, width, 28)
        found = table.itemDelegate().words_of_tooltip(option, table.model().index(0, 0))
        assert found == words
