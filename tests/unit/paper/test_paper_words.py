from emostudio.paper.results import ColumnInfo, Measured, ResultCell, ResultRow, ResultTable
from emostudio.paper.words import cell_words, footer_words, heads, measured_words, paper_words

OURS = Measured(value=9.876, low=9.1, high=10.2, basis="95 %", engine="torch", machine="CPU")


def table(*engines):
    return ResultTable(
        key="table2",
        title="Table",
        columns=(ColumnInfo(key="a", title="Accuracy", unit="%"),),
        rows=tuple(
            ResultRow(
                key=f"row{place}",
                title=f"Net {place}",
                reference="Table 2",
                cells={"a": ResultCell(ours=OURS.model_copy(update={"engine": engine}))},
            )
            for place, engine in enumerate(engines)
        ),
        facts={"Machine": "CPU"},
    )


def test_a_number_is_followed_by_its_interval():
    assert measured_words(OURS, 1) == "9.9 [9.1, 10.2]"


def test_an_exact_number_stands_alone_and_a_missing_one_is_a_dash():
    exact = OURS.model_copy(update={"low": 9.876, "high": 9.876, "basis": "exact"})
    assert measured_words(exact, 2) == "9.88"
    assert measured_words(None, 2) == paper_words(None) == "–"


def test_the_paper_s_figures_stay_as_printed():
    assert [paper_words(value) for value in (372.2, 73.0, 97.13)] == ["372.2", "73", "97.13"]


def test_the_accounting_column_is_there_only_where_it_differs():
    made = table("torch")
    assert heads(made) == ["Accuracy, %: paper", "Accuracy, %: ours"]
    row = made.rows[0]
    cells = {"a": ResultCell(ours=OURS, as_paper=OURS)}
    counted = made.model_copy(update={"rows": (row.model_copy(update={"cells": cells}),)})
    assert heads(counted)[-1] == "Accuracy, %: ours, as the paper counts"
    assert len(cell_words(counted, counted.rows[0])) == 3


def test_the_footer_names_the_machine_and_which_row_ran_on_which_engine():
    assert footer_words(table("torch", "torch"))[-1] == "Machine: CPU. Engines: torch."
    told = footer_words(table("torch", "packed"))[-1]
    assert "packed (Net 1); torch (Net 0)" in told
