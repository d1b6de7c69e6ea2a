"""Panels of any chart: how much room they take, and what hovering over them says."""

import pytest
from PySide6.QtWidgets import QScrollArea

from emostudio.gui.charts.marks import series_colour
from emostudio.gui.charts.panel_chart import PanelChart
from emostudio.gui.charts.panels import bars as bars_panel
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.workspace.charts.base import (
    Bar,
    Bars,
    Chart,
    Line,
    Matrix,
    Plot,
    Radar,
    Scale,
)

LONG = "VGG-S-lite-int8-post-training-quantised"


@pytest.fixture
def scrolled(qtbot, qapp):
    theme().install(qapp)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(PanelChart())
    qtbot.addWidget(area)
    area.resize(660, 250)
    area.show()
    yield area
    theme().choose("light")


def plot(count=2):
    lines = [Line(f"model {n}", n, (0.0, 50.0, 100.0), (10.0 * n, 60.0, 90.0),
                  intervals=((0.0, 90.0),) * 3) for n in range(count)]  # fmt: skip
    return Plot(Scale("Sure, %", low=0, high=100), Scale("Right, %", low=0, high=100), tuple(lines))


def radar():
    return Radar(("Speed", "Size", "Memory"), (("teacher", 0, (0.5, 1.0, 0.7)),))


def bars(count=1, rows=4):
    names = tuple(f"{LONG} {row}" for row in range(rows))
    series = tuple((f"model {n}", n) for n in range(count))
    values = tuple(tuple(Bar(float(100 - n), None, n) for n in range(count)) for _ in names)
    return Bars("Recognised, %", Scale("%", low=0, high=100), names, series, values, 0, "Of all")


def show(area, *panels):
    area.widget().show_chart(Chart("k", "Title", "", panels))
    area.grab()  # lays out
    return area.widget()


@pytest.mark.parametrize("panel", [plot(), plot(8), radar()])
def test_a_lone_picture_is_seen_whole(scrolled, qtbot, panel):
    show(scrolled, bars(rows=60))
    qtbot.waitUntil(lambda: scrolled.verticalScrollBar().maximum() > 0)
    chart = show(scrolled, panel)
    qtbot.waitUntil(lambda: chart.height() == scrolled.viewport().height())
    assert scrolled.verticalScrollBar().maximum() == 0
    scrolled.resize(660, 90)  # too low to be read: now it scrolls
    qtbot.waitUntil(lambda: scrolled.verticalScrollBar().maximum() > 0)
    assert chart.height() >= 180


def ticks_called(text, panel, area, monkeypatch):
    """Return the places of a tick's label while the panel is painted."""
    found = []

    def noted(painter, rect, words, style, *rest):
        if (words, style) == (text, "caption"):
            found.append(rect)
        paint_text(painter, rect, words, style, *rest)

    monkeypatch.setattr(bars_panel, "paint_text", noted)
    chart = show(area, panel)
    found.clear()
    chart.grab()
    return found


def test_dots_of_several_models_have_their_scale_above_too(scrolled, monkeypatch):
    assert len(ticks_called("100", bars(1, rows=30), scrolled, monkeypatch)) == 1
    below, above = ticks_called("100", bars(2, rows=30), scrolled, monkeypatch)
    assert above.top() < 60 < below.top()


def test_the_last_number_of_a_scale_is_not_cut_off(scrolled, monkeypatch):
    (above, below) = ticks_called("100", bars(2), scrolled, monkeypatch)
    half = metrics("caption").horizontalAdvance("100") / 2
    for place in (above, below):
        assert place.center().x() + half <= scrolled.widget().width()


def test_hovering_over_a_row_gives_its_name_in_full(scrolled):
    chart = show(scrolled, bars())
    words = {chart.meaning_at(20, y) for y in range(0, chart.height(), 4)}
    assert f"{LONG} 0\nOf all" in words
    assert f"{LONG} 3\nOf all" in words
    assert "Of all" in words  # over the title


def test_hovering_over_a_cell_names_both_classes(scrolled):
    names = ("Happiness", "Contempt")
    chart = show(scrolled, Matrix("m", names, names, ((80.0, 20.0), (5.5, 94.5)), "note"))
    words = {chart.meaning_at(x, y) for x in range(0, 660, 10) for y in range(0, 100, 4)}
    assert "Contempt called Happiness: 5.5 %\nnote" in words
    assert "Contempt\nnote" in words


def ink(chart, colour):
    """Return how many pixels have exactly this colour."""
    image, wanted = chart.grab().toImage(), colour.rgb()
    return sum(image.pixel(x, y) == wanted for x in range(image.width())
               for y in range(image.height()))  # fmt: skip


def test_many_lines_with_intervals_leave_two_in_full(scrolled):
    teacher = theme().colour("text")
    few, many = (ink(show(scrolled, plot(count)), teacher) for count in (2, 8))
    assert many > 0.6 * few  # the others do not hide the teacher


def test_the_line_of_the_selected_variant_is_one_of_the_two_in_full(scrolled):
    chart = show(scrolled, plot(8))
    colour = series_colour(5)
    before = ink(chart, colour)
    chart.select("model 5")
    assert ink(chart, colour) > 2 * before
