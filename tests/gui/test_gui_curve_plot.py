"""Curves over epochs: whole ticks, names that fit, an axis without dots."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from emostudio.gui.theme import theme
from emostudio.gui.widgets.curve_plot import Curve, CurvePlot

LONG = "VGG-S-lite, quantised after training, 32.1 %"


@pytest.fixture
def plot(qtbot, qapp):
    theme().install(qapp)
    made = CurvePlot("Error", "Epoch")
    qtbot.addWidget(made)
    made.set_curve("a", Curve(np.arange(1.0, 4.0), np.array([60.0, 40.0, 30.0]), label=LONG))
    made.resize(300, 200)
    made.show()
    made.redraw()
    yield made
    theme().choose("light")


def labels(plot):
    items = plot.plot.getPlotItem().items
    return [item for item in items if hasattr(item, "toPlainText") and item.isVisible()]


def test_a_name_too_long_for_its_room_ends_in_an_ellipsis(plot):
    (label,) = labels(plot)
    assert label.toPlainText().endswith("…")
    assert label.toolTip() == LONG
    right = plot.plot.getViewBox().sceneBoundingRect().right()
    assert label.mapRectToScene(label.boundingRect()).right() <= right + 1
    assert LONG in plot.plot.accessibleDescription()


def test_a_name_with_room_is_written_in_full(plot):
    plot.resize(1200, 200)
    plot.redraw()
    (label,) = labels(plot)
    assert label.toPlainText() == LONG


def test_epochs_have_whole_numbers(plot):
    ticks = plot.plot.getAxis("bottom")._tickLevels[0]
    assert [words for _, words in ticks] == ["0", "1", "2", "3"]


def test_the_y_axis_is_invisible_without_white_dots(plot):
    theme().choose("dark")
    pen = plot.plot.getAxis("left").pen()
    assert pen.style() != Qt.PenStyle.NoPen
    assert pen.color().name().upper() == theme().colours.card.upper()
