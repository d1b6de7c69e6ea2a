"""Charts paint in both themes, at any size, and tell screen readers their numbers."""

import gui_fakes as fakes
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage

from emostudio.core.low_rank import LayerBreakEven, RankTime
from emostudio.core.measured import Limits
from emostudio.gui.charts import dumbbell
from emostudio.gui.charts.break_even import BreakEvenChart
from emostudio.gui.charts.ceiling import SpeedCeiling
from emostudio.gui.charts.class_bars import ClassBars
from emostudio.gui.charts.confusion import ConfusionChart
from emostudio.gui.charts.forest import Forest, ForestRow
from emostudio.gui.charts.fps_race import FpsRace
from emostudio.gui.charts.pareto import ParetoChart, ParetoPoint
from emostudio.gui.charts.pareto_limits import place_limits
from emostudio.gui.charts.staircase import Stair, Staircase
from emostudio.gui.charts.time_strip import Share, TimeStrip
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SERIES
from emostudio.gui.widgets.names import short_name


def pareto():
    chart = ParetoChart()
    chart.show_points(
        [
            ParetoPoint("teacher", 0, 40.0, 97.0, None, (95.0, 98.0)),
            ParetoPoint("int8", 1, 14.0, 96.9, None, (95.0, 98.0)),
            ParetoPoint("xnor", 2, 9.8, 81.0, None, (77.0, 85.0), "dominated"),
            ParetoPoint("bwn", 7, 40.2, 97.1, None, (95.0, 98.0), "undecided"),
        ]
    )
    return chart


def race():
    chart = FpsRace()
    chart.start([("teacher", 0), ("int8", 1)])
    for second in range(90):
        chart.add(float(second), {"teacher": 20.0, "int8": 50.0})
    return chart


def strip():
    chart = TimeStrip()
    chart.show_shares([Share("Grab", 2.0), Share("teacher", 40.0, 0), Share("Draw", 0.1)])
    return chart


def stairs():
    chart = Staircase()
    chart.show_stairs([Stair("Teacher", 372.0), Stair("Huffman", 10.4, is_bound=True)], 12.0)
    return chart


def ceiling():
    chart = SpeedCeiling()
    chart.show_steps([("Teacher", 1.0), ("Prune", 3.2)])
    return chart


def layer_times(break_even_rank=60):
    times = [RankTime(rank=rank, ms=rank / 60, share=rank / 60) for rank in (16, 32, 50, 80)]
    return LayerBreakEven(
        layer="conv2", dense_ms=1.0, times=tuple(times), grid=16, size_limit=90,
        break_even_rank=break_even_rank, planned_rank=80, planned_share=1.33, is_slower=True,
    )  # fmt: skip


def break_even():
    chart = BreakEvenChart()
    chart.show_layer(layer_times())
    return chart


def forest():
    chart = Forest()
    chart.show_rows([ForestRow("INT8", 2.86, 2.79, 2.93, "ok")])
    return chart


def bars():
    chart = ClassBars()
    chart.show_results(fakes.evaluation("a", 0.9), fakes.evaluation("b", 0.95))
    return chart


def confusion():
    chart = ConfusionChart()
    chart.show_result(fakes.evaluation("a", 0.9))
    return chart


CHARTS = [pareto, race, strip, stairs, ceiling, forest, bars, confusion, break_even]


def colours(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return {
        image.pixel(x, y)
        for x in range(0, image.width(), 2)
        for y in range(0, image.height(), 2)
    }  # fmt: skip


@pytest.fixture
def themes(qapp):
    theme().install(qapp)
    yield
    theme().choose("light")


@pytest.mark.parametrize("make", CHARTS, ids=[make.__name__ for make in CHARTS])
@pytest.mark.parametrize("size", [(420, 260), (60, 40), (1400, 700)])
def test_charts_paint_in_both_themes_at_any_size(qtbot, themes, make, size):
    chart = make()
    qtbot.addWidget(chart)
    chart.resize(*size)
    chart.show()
    seen = []
    for name in ("light", "dark"):
        theme().choose(name)
        seen.append(colours(chart))
    assert len(seen[0]) > 2
    assert seen[0] != seen[1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (pareto, "xnor 9.8 ms 81.0 % dominated"),
        (race, "int8 50.0 FPS"),
        (strip, "Draw 0.1 ms"),
        (stairs, "Huffman ≈ 10.4 MB"),
        (ceiling, "Prune 3.20×"),
        (forest, "INT8 2.86× (2.79–2.93)"),
        (bars, "Anger −\u00a05.0 (−\u00a0"),
        (confusion, "called"),
        (break_even, "rank 32 0.533 ms, rank 50"),
    ],
)
def test_charts_tell_their_numbers_in_words(qtbot, themes, make, words):
    chart = make()
    qtbot.addWidget(chart)
    assert chart.accessibleName()
    assert words in chart.accessibleDescription()


def test_the_race_forgets_what_is_older_than_a_minute(qtbot, themes):
    chart = race()
    qtbot.addWidget(chart)
    chart.add(1000.0, {"teacher": 30.0})
    assert "int8" not in chart.accessibleDescription()


def test_the_key_of_the_strip_takes_more_lines_in_narrow_windows(qtbot, themes):
    chart = strip()
    qtbot.addWidget(chart)
    chart.show()
    chart.resize(500, 50)
    wide = chart.height()
    chart.resize(90, 50)
    assert chart.height() > wide


def test_series_differ_by_more_than_colour():
    marks = [(rule.mark, rule.dash) for rule in SERIES[1:]]
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize(
    ("name", "baseline", "short"),
    [
        ("net-magnitude_pruning", "net", "magnitude pruning"),
        ("int8", "net", "int8"),
        ("net", "net", "net"),
        ("net", "", "net"),
    ],
)
def test_short_names_say_what_sets_a_variant_apart(name, baseline, short):
    assert short_name(name, baseline) == short


@pytest.mark.parametrize(
    ("rank", "words"),
    [(60, "break-even at rank 60"), (0, "slower at every"), (None, "faster at every")],
)
def test_the_break_even_is_told_in_words(qtbot, themes, rank, words):
    chart = BreakEvenChart()
    qtbot.addWidget(chart)
    chart.show_layer(layer_times(rank))
    assert words in chart.accessibleDescription()
    chart.grab()
    chart.show_layer(None)
    assert not chart.accessibleDescription()


AREA = QRectF(40, 10, 600, 200)


@pytest.mark.parametrize(
    ("ms", "percent", "words"),
    [
        (10.0, 50.0, ["at least 50 %", "at most 10 ms"]),
        (99.0, 20.0, ["at least 20 % ↓", "at most 99 ms →"]),
        (0.5, 95.0, ["at least 95 % ↑", "← at most 0.5 ms"]),
    ],
)
def test_limits_are_drawn_with_their_words_even_beyond_the_view(qtbot, themes, ms, percent, words):
    def to_pixel(x, y):  # the view: 1 to 21 ms, 40 to 80 %
        return QPointF(40 + 30 * (x - 1), 210 - 5 * (y - 40))

    placed = place_limits(Limits(most_ms=ms, least_accuracy=percent / 100), AREA, to_pixel)
    assert [line.words for line in placed.lines] == words
    for line in placed.lines:
        assert AREA.contains(line.label)
        for end in (line.start, line.end):
            assert AREA.left() <= end.x() <= AREA.right()
            assert AREA.top() <= end.y() <= AREA.bottom()
    level, upright = placed.lines
    assert not level.label.intersects(upright.label)


def test_limits_shade_the_region_that_either_excludes(qtbot, themes):
    def to_pixel(x, y):
        return QPointF(40 + 30 * (x - 1), 210 - 5 * (y - 40))

    shade = place_limits(Limits(most_ms=11, least_accuracy=0.6), AREA, to_pixel).excluded
    assert shade.contains(QPointF(600, 20))  # too slow
    assert shade.contains(QPointF(60, 200))  # too often wrong
    assert not shade.contains(QPointF(60, 20))


def test_the_confusion_matrix_says_its_cells_in_full(qtbot, themes):
    chart = confusion()
    qtbot.addWidget(chart)
    chart.resize(300, 200)
    words = {chart.meaning_at(x, y) for x in range(0, 300, 5) for y in range(0, 200, 5)}
    assert "Contempt" in words  # a head
    assert any(word.startswith("Contempt called Contempt: 90.0 %") for word in words)
    assert "" in words  # beside the cells


def test_class_bars_are_coloured_only_where_the_interval_excludes_no_change(qtbot, themes):
    chart = ClassBars()
    qtbot.addWidget(chart)
    chart.resize(420, 260)
    chart.show_results(fakes.evaluation("a", 0.9), fakes.evaluation("b", 0.95))
    bad = theme().colour("bad").rgb()
    assert bad not in colours(chart)
    chart.show_results(fakes.evaluation("a", 0.5), fakes.evaluation("b", 0.95))
    assert bad in colours(chart)


@pytest.mark.parametrize(("unit", "label"), [("×", "20×"), ("%", "20 %"), ("", "20")])
def test_units_stand_behind_the_ticks_as_they_are_written(qtbot, themes, monkeypatch, unit, label):
    seen = []
    monkeypatch.setattr(dumbbell, "paint_bottom_axis", lambda _p, _area, ticks: seen.extend(ticks))
    chart = dumbbell.Dumbbell()
    qtbot.addWidget(chart)
    chart.show_rows([dumbbell.DumbbellRow("XNOR", 58.0, (3.0, 4.0, 5.0))], unit)
    chart.grab()
    assert label in [words for _, words in seen]
