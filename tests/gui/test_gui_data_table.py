"""The table of every page: names stay readable however many columns stand beside them."""

import pytest

from emostudio.gui.theme import theme
from emostudio.gui.widgets.data_table import DataTable, fits
from emostudio.qt.table_models import Cell, Column, Row

NAME = Column("name", "Model")
ROWS = [Row(name, {"name": Cell(name)}) for name in ("VGG-S", "SqueezeNet 1.1")]


def numbers(count, width=60):
    return [Column(f"n{place}", f"{place}", is_number=True, width=width) for place in range(count)]


@pytest.fixture
def table(qtbot, qapp):
    theme().install(qapp)
    made = DataTable((NAME, *numbers(3)), "Test")
    qtbot.addWidget(made)
    made.resize(800, 200)
    made.set_rows(ROWS)
    made.show()
    return made


def total(table):
    return sum(table.columnWidth(place) for place in range(table.model().columnCount()))


def test_the_name_takes_what_the_numbers_leave(table):
    assert total(table) == table.viewport().width()
    table.resize(1000, 200)
    assert total(table) == table.viewport().width()
    table.resize(600, 200)
    assert total(table) == table.viewport().width()


def test_the_name_stays_readable_when_the_columns_do_not_fit(table):
    table.set_columns((NAME, *numbers(20)))
    assert table.columnWidth(0) == round(140 * theme().scale)
    assert table.horizontalScrollBar().maximum() > 0
    table.resize(500, 200)
    assert table.columnWidth(0) >= 100


def test_no_width_is_left_over_from_other_columns(table):
    table.set_columns((NAME, *numbers(1)))
    wide = table.columnWidth(0)
    table.set_columns((NAME, *numbers(9)))
    assert table.columnWidth(0) < wide
    assert total(table) == table.viewport().width()


def test_columns_without_a_width_share_the_room(table):
    table.set_columns((NAME, Column("second", "Second"), *numbers(2)))
    assert abs(table.columnWidth(0) - table.columnWidth(1)) <= 1


def test_a_width_the_user_chose_is_kept_while_the_window_grows(table):
    table.horizontalHeader().resizeSection(1, 150)
    table.resize(900, 200)
    assert table.columnWidth(1) == 150
    assert total(table) == table.viewport().width()


def test_the_first_choice_of_columns_that_fits_is_shown_and_the_chosen_row_stays(table, qtbot):
    many, few = (NAME, *numbers(12)), (NAME, *numbers(2))
    table.set_columns(many, few)
    table.select_id("SqueezeNet 1.1")
    said = []
    table.row_selected.connect(said.append)
    assert table.table.columns == few
    table.resize(1100, 200)
    qtbot.waitUntil(lambda: table.table.columns == many)
    table.resize(400, 200)
    qtbot.waitUntil(lambda: table.table.columns == few)
    assert table.selected_id() == "SqueezeNet 1.1"
    assert said == []


def test_what_fits_counts_a_readable_name():
    scale = theme().scale
    assert fits((NAME, *numbers(2)), round(260 * scale))
    assert not fits((NAME, *numbers(2)), round(259 * scale) - 1)
