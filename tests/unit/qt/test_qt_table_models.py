from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from emostudio.qt.table_models import SORT_ROLE, Cell, Column, Row, SortedTable, TableModel

COLUMNS = (Column("name", "Variant"), Column("time", "p50", "ms", is_number=True))
ROWS = (
    Row("a", {"name": Cell("A"), "time": Cell("10.0", sort=10.0)}),
    Row("b", {"name": Cell("B"), "time": Cell("9.5", sort=9.5)}),
    Row("c", {"name": Cell("C")}),
)


@pytest.fixture
def model(qapp: object) -> TableModel:
    made = TableModel(COLUMNS)
    made.set_rows(ROWS)
    return made


def test_the_model_keeps_qts_rules(model: TableModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(model)


def test_numbers_are_sorted_as_numbers_and_missing_ones_stay_last(model: TableModel) -> None:
    proxy = SortedTable()
    proxy.setSourceModel(model)
    proxy.setSortRole(SORT_ROLE)
    for order, expected in (
        (Qt.SortOrder.AscendingOrder, ["B", "A", "C"]),
        (Qt.SortOrder.DescendingOrder, ["A", "B", "C"]),
    ):
        proxy.sort(1, order)
        assert [proxy.index(row, 0).data() for row in range(3)] == expected


def test_missing_cells_are_dashes_on_screen_and_empty_in_text(model: TableModel) -> None:
    assert model.index(2, 1).data() == "–"
    assert model.as_text(",") == "Variant,p50 (ms)\nA,10.0\nB,9.5\nC,\n"
