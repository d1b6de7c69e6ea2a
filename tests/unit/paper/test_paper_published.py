"""The survey's own figures, as printed."""

import pytest

from emostudio.paper.experiments import figures, table1, table2, table3


def test_table_2_is_the_survey_s():
    printed = {
        row.network: (row.training_ms, row.inference_ms, row.size_mib, row.accuracy)
        for row in table2.ROWS
    }
    assert printed == {
        "vgg_s": (43.7, 33.4, 372.2, 97.13),
        "squeezenet": (22.94, 4.94, 2.8, 89.14),
        "cp": (22.94, 7.74, 2.1, 87.5),
        "hashed": (294.8, 158.2, 68.3, 96.31),
        "bwn": (83.8, 33.5, 11.6, 98.57),
        "xnor": (84.3, 34.2, 11.6, 58.81),
        "binary_activations": (43.4, 34.1, 11.6, 88.32),
    }


def test_the_survey_s_binary_sizes_are_one_bit_per_parameter():
    vgg = next(row for row in table2.ROWS if row.network == "vgg_s")
    binary = [row for row in table2.ROWS if row.bits == 1]
    assert len(binary) == 3
    for row in binary:
        assert row.size_mib == pytest.approx(vgg.size_mib / 32, abs=0.05)


def test_table_3_is_the_survey_s():
    printed = {(c.teacher, c.loss): (c.agreement, c.accuracy) for c in table3.CELLS}
    assert printed["foreign", "labels"] == (66.5, 12.3)
    assert printed["foreign", "softmax"] == (73.0, 23.8)
    assert printed["own", "labels"] == (75.5, 40.9)
    assert printed["own", "softmax"] == (77.0, 46.9)
    assert printed["own", "combined"] == (None, None)


def test_table_1_has_the_survey_s_ten_claims():
    printed = {claim.key: (claim.smaller, claim.faster) for claim in table1.CLAIMS}
    assert len(printed) == 10
    assert printed["fitnets"] == (36.0, 13.36)
    assert printed["xnor"] == (67.0, 58.0)
    assert printed["branchy"] == (None, 1.9)


def test_the_figures_end_where_table_2_does():
    accuracy = {row.network: row.accuracy for row in table2.ROWS}
    assert [figure.number for figure in figures.FIGURES] == [1, 2, 3, 4, 5, 6]
    for figure in figures.FIGURES:
        error = figure.last_error if figure.last_error is not None else figure.least_error
        assert error == pytest.approx(100 - accuracy[figure.network], abs=0.011)
