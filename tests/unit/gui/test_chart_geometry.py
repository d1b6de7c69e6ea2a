"""Ticks and label places: pure geometry, no window."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emostudio.gui.charts.labels import overlaps, place_labels
from emostudio.gui.charts.ticks import format_tick, linear_ticks, log_ticks

AREA = (0.0, 0.0, 600.0, 300.0)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_lie_inside_and_are_few(low, span):
    ticks = linear_ticks(low, low + span, 5)
    assert len(ticks) <= 6
    slack = span * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= tick <= low + span + slack for tick in ticks)


@given(st.floats(1e-3, 1e3), st.floats(1.05, 1e5))
def test_log_ticks_lie_inside_and_are_few(low, factor):
    ticks = log_ticks(low, low * factor, 6)
    assert len(ticks) <= 6
    assert all(low * 0.99 <= tick <= low * factor * 1.01 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "label"), [(0, "0"), (1.5, "1.5"), (300.0, "300"), (2000, "2,000"), (0.25, "0.25")]
)
def test_tick_labels_have_no_trailing_zeros(value, label):
    assert format_tick(value) == label


def test_a_lone_point_is_named_beside_its_mark_without_a_leader():
    (place,) = place_labels([(100, 100)], [(60, 16)], AREA)
    assert not place.has_leader
    assert 100 < place.x < 120


def test_a_point_at_the_right_edge_is_named_at_its_left():
    (place,) = place_labels([(595, 100)], [(60, 16)], AREA)
    assert place.x + 60 <= 595


def test_crowded_points_get_stacked_labels_with_leaders():
    places = place_labels([(300, 50), (303, 52), (301, 55)], [(80, 16)] * 3, AREA)
    assert all(place.has_leader for place in places)


@given(
    st.lists(st.tuples(st.floats(20, 500), st.floats(10, 120)), min_size=1, max_size=8, unique=True)
)
def test_no_two_labels_cover_each_other(points):
    sizes = [(90.0, 16.0)] * len(points)
    places = place_labels(points, sizes, AREA)
    boxes = [(p.x, p.y, *size) for p, size in zip(places, sizes, strict=True)]
    assert not any(overlaps(a, b) for a, b in itertools.combinations(boxes, 2))
