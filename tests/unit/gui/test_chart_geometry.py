"""Ticks and label places: pure geometry, no window."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emostudio.gui.charts.labels import overlaps, place_labels
from emostudio.gui.charts.stacking import ordered_tops
from emostudio.gui.charts.ticks import format_tick, linear_ticks, log_ticks

AREA = (0.0, 0.0, 600.0, 300.0)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_lie_inside_and_are_few(low, span):
    ticks = linear_ticks(low, low + span, 5)
    assert len(ticks) <= 6
    slack = span * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= tick <= low + span + slack for tick in ticks)


@pytest.mark.parametrize("last", [1, 2, 3, 7, 12, 30, 240])
def test_ticks_of_what_is_counted_are_whole_numbers(last):
    ticks = linear_ticks(1.0, float(last), 6, is_whole=True)
    assert all(tick.is_integer() for tick in ticks)
    assert 0 < len(ticks) <= 6


@given(st.floats(1e-3, 1e3), st.floats(1.05, 1e5))
def test_log_ticks_lie_inside_and_are_few(low, factor):
    ticks = log_ticks(low, low * factor, 6)
    assert len(ticks) <= 6
    assert all(low * 0.99 <= tick <= low * factor * 1.01 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0, "0"),
        (1.5, "1.5"),
        (300.0, "300"),
        (2000, "2,000"),
        (0.25, "0.25"),
        (-0.5, "−0.5"),
        (-0.002, "−0.002"),
    ],
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


@pytest.mark.parametrize("x", [300.0, 590.0])
def test_labels_of_a_stack_stand_in_the_order_of_their_points(x):
    heights = (40, 44, 47, 150, 156)
    points = [(x + place % 2, y) for place, y in enumerate(heights)]
    places = place_labels(points, [(80, 16)] * 5, AREA)
    assert [place.y for place in places] == sorted(place.y for place in places)
    assert len({place.x for place in places}) == 1


def test_a_point_beside_a_stack_joins_it_so_that_no_leader_crosses_its_label():
    points = [(300, 50), (303, 52), (300, 80)]
    places = place_labels(points, [(80, 16)] * 3, AREA)
    assert all(place.has_leader for place in places)
    assert places[2].y == max(place.y for place in places)


def test_a_stack_at_the_right_edge_stands_left_of_its_points():
    places = place_labels([(590, 50), (592, 52)], [(80, 16)] * 2, AREA)
    assert all(place.is_left and place.x + 80 < 590 for place in places)
    elbow, end = places[0].leader((80, 16))
    assert places[0].x + 80 < end[0] < elbow[0] < 590


def test_a_label_keeps_clear_of_the_ring_around_its_point():
    ring = (86, 86, 28, 28)
    (plain,) = place_labels([(100, 100)], [(60, 16)], AREA)
    (ringed,) = place_labels([(100, 100)], [(60, 16)], AREA, radii=[14.0])
    assert overlaps((plain.x, plain.y, 60, 16), ring)
    assert not overlaps((ringed.x, ringed.y, 60, 16), ring)


def test_stacked_labels_share_the_way_between_them():
    assert ordered_tops([100.0, 100.0], 16, (0.0, 300.0), [[], []]) == [92.0, 108.0]


def test_stacked_labels_keep_out_of_what_is_blocked():
    tops = ordered_tops([100.0, 100.0], 16, (0.0, 300.0), [[(90.0, 120.0)], [(90.0, 120.0)]])
    assert tops is not None
    assert all(top + 16 <= 90 or top >= 120 for top in tops)
    assert tops[1] - tops[0] >= 16


def test_labels_that_do_not_fit_below_each_other_have_no_places():
    assert ordered_tops([0.0, 0.0], 16, (0.0, 20.0), [[], []]) is None
