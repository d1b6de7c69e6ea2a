"""Painted lists and the lines of text in them."""

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.widgets.lineage import Lineage, LineageItem
from emostudio.gui.widgets.run_list import RunItem, RunList


@pytest.fixture
def runs(qtbot):
    made = RunList()
    qtbot.addWidget(made)
    made.set_items([RunItem("Done"), RunItem("first", "a", right="16:40"), RunItem("second", "b")])
    return made


def test_a_line_is_elided_to_its_room_and_tells_what_fits(qapp):
    image = QImage(200, 20, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    text = "a name that is much too long"
    whole = metrics("small").horizontalAdvance(text)
    assert paint_text(painter, QRectF(0, 0, whole, 20), text, "small", "text") == text
    shown = paint_text(painter, QRectF(0, 0, whole / 2, 20), text, "small", "text")
    painter.end()
    assert shown.endswith("…")
    assert metrics("small").horizontalAdvance(shown) <= whole / 2 + 1


def test_the_head_of_a_group_cannot_be_chosen(runs):
    flags = [runs.model().flags(runs.model().index(row)) for row in range(3)]
    assert [bool(flag & Qt.ItemFlag.ItemIsSelectable) for flag in flags] == [False, True, True]
    assert runs.model().index(1).data() == "first 16:40"


def test_other_runs_leave_the_choice_and_tell_nobody(qtbot, runs):
    runs.choose(["a", "b"])
    with qtbot.assertNotEmitted(runs.chosen):
        runs.set_items([RunItem("third", "c"), *runs.items()])
    assert runs.chosen_ids() == ["b", "a"]
    with qtbot.waitSignal(runs.chosen) as told:
        runs.setCurrentIndex(runs.index_of(0))
    assert told.args == [["c"]]


def test_the_chosen_model_stays_chosen(qtbot):
    lineage = Lineage()
    qtbot.addWidget(lineage)
    lineage.set_items([LineageItem("teacher", "", "8 MB"), LineageItem("int8", "", "2 MB", 1)])
    with qtbot.waitSignal(lineage.chosen) as told:
        lineage.choose("int8")
    assert told.args == ["int8"]
    with qtbot.assertNotEmitted(lineage.chosen):
        lineage.set_items([LineageItem("int8", "", "2 MB"), LineageItem("cp", "", "3 MB")])
    assert lineage.current_name() == "int8"
    assert lineage.model().index(0).data(Qt.ItemDataRole.ToolTipRole) == "int8"
