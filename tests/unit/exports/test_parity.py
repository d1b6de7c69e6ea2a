"""What counts as the same answer."""

import numpy as np
import pytest

from emostudio.core.exported import ParityReport, parity_words
from emostudio.core.model_info import Preprocessing
from emostudio.exports.base import Answers
from emostudio.exports.parity import FACES, INPUTS, compare, parity_pictures

QUIET = lambda _share, _message: None  # noqa: E731


def answering(outputs, exits=0):
    def answer(pixels):
        count = len(pixels)
        rows = np.repeat(np.array([outputs], np.float32), count, axis=0)
        return Answers(rows, np.full(count, exits, dtype=np.int64))

    return answer


def compared(model, ours, theirs, precision="float"):
    return compare(ours, theirs, model, precision, QUIET)


@pytest.mark.parametrize("channels", [1, 3])
def test_half_of_the_pictures_are_faces_in_the_models_size(channels):
    pictures = parity_pictures(Preprocessing(height=32, width=40, channels=channels))
    assert pictures.shape == (INPUTS, 32, 40, channels)
    assert pictures.dtype == np.uint8
    assert FACES == INPUTS // 2
    assert pictures[:FACES].std() < pictures[FACES:].std()
    again = parity_pictures(Preprocessing(height=32, width=40, channels=channels))
    assert np.array_equal(pictures, again)


@pytest.mark.parametrize(
    ("difference", "agrees"), [(0.0, True), (9e-5, True), (2e-4, False), (np.nan, False)]
)
def test_float_outputs_may_differ_by_a_ten_thousandth(model, difference, agrees):
    found = compared(model, answering([1.0, 2.0]), answering([1.0, 2.0 + difference]))
    assert found.agrees is agrees


def test_outputs_far_above_one_may_differ_by_what_float_can_tell_apart(model):
    found = compared(model, answering([80.0, 0.0]), answering([80.0002, 0.0]))
    assert found.agrees
    assert not compared(model, answering([80.0, 0.0]), answering([80.001, 0.0])).agrees


def test_steps_of_a_grid_are_judged_on_average_and_the_agreement_is_reported(model):
    ours, theirs = answering([1.0, 0.99]), answering([1.0, 1.01])
    found = compared(model, ours, theirs, "rounded")
    assert found.agrees
    assert found.same_answers == 0.0
    assert found.largest_difference == pytest.approx(0.02, abs=1e-6)
    assert not compared(model, ours, answering([2.0, 0.0]), "rounded").agrees


def varied(change=lambda outputs: outputs):
    """Answers of eight outputs that differ from picture to picture, changed afterwards."""

    def answer(pixels):
        seeds = pixels.reshape(len(pixels), -1).sum(axis=1, dtype=np.int64)
        rows = [np.random.default_rng(int(seed)).uniform(-1, 1, 8) for seed in seeds]
        outputs = change(np.array(rows, np.float32))
        return Answers(outputs, np.zeros(len(pixels), dtype=np.int64))

    return answer


def with_first_two_swapped(outputs):
    return outputs[:, [1, 0, *range(2, 8)]]


def with_one_of_eight_flipped(outputs):
    """Two clear answers of sixteen change places: on average that is little."""
    few = outputs * 0.01 + np.array([1.0, 0.9, *[0.0] * 6], np.float32)
    few[::8] = few[::8][:, [1, 0, *range(2, 8)]]
    return few


def without_flips(outputs):
    return outputs * 0.01 + np.array([1.0, 0.9, *[0.0] * 6], np.float32)


def test_labels_that_changed_places_are_no_rounding(model):
    assert compared(model, varied(), varied(), "rounded").agrees
    found = compared(model, varied(), varied(with_first_two_swapped), "rounded")
    assert not found.agrees
    assert found.column_difference > found.mean_difference


def test_one_output_that_is_off_is_not_lost_in_the_mean_of_all(model):
    def off(outputs):
        return outputs + np.array([0.1, *[0.0] * 7], np.float32)

    found = compared(model, varied(), varied(off), "rounded")
    assert found.mean_difference < found.tolerance < found.column_difference
    assert not found.agrees


def test_clear_answers_have_to_stay_where_layers_round(model):
    found = compared(model, varied(without_flips), varied(with_one_of_eight_flipped), "rounded")
    assert found.column_difference <= found.tolerance
    assert found.clear_inputs == INPUTS
    assert found.clear_answers == pytest.approx(0.875)
    assert not found.agrees
    assert "87.5 % of 256 clear answers kept" in parity_words(found)
    assert found.model_copy(update={"clear_answers": 0.96}).agrees


def test_pictures_that_left_elsewhere_are_counted_not_compared(model):
    found = compared(model, answering([1.0, 2.0], exits=0), answering([5.0, 2.0], exits=1))
    assert found.other_exits == INPUTS
    assert found.largest_difference == 0.0
    assert found.exits == (INPUTS,)
    assert not found.agrees, "all of them cannot lie on a threshold"
    assert found.model_copy(update={"other_exits": 3}).agrees


def test_the_words_say_figures_and_what_is_allowed():
    report = ParityReport(
        inputs=256,
        faces=128,
        largest_difference=1.5e-5,
        mean_difference=1e-6,
        largest_output=3.0,
        tolerance=1e-4,
        same_answers=0.996,
        exits=(200, 56),
        other_exits=1,
    )
    words = parity_words(report)
    assert "same answer for 99.6 % of 256 pictures" in words
    assert "largest difference 1.5e-05 (at most 1.0e-04 is allowed)" in words
    assert "answered by segment: 200, 56" in words
    assert "1 left at another exit" in words
