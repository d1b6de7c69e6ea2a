import numpy as np
import pytest

from emostudio.statistics.calibration import (
    calibration,
    calibration_error,
    calibration_floor,
    equal_mass_bins,
    fit_temperature,
    scale_by_temperature,
)


def _model(seed: int, count: int = 1000, sharpness: float = 1.0, classes: int = 7):
    """Return probabilities that are true, and what a model of another sharpness says."""
    generator = np.random.default_rng(seed)
    logits = 2 * generator.normal(size=(count, classes))
    true = scale_by_temperature(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 1.0)
    truth = (true.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return scale_by_temperature(true, 1 / sharpness), truth


def test_bins_hold_equally_many_and_every_answer():
    bins = equal_mass_bins(np.random.default_rng(0).random(103), np.ones(103, dtype=bool), 15)
    assert sorted({one.images for one in bins}) == [6, 7]
    assert sum(one.images for one in bins) == 103
    assert [one.confidence for one in bins] == sorted(one.confidence for one in bins)


def test_error_by_hand():
    confidence = np.array([0.5, 0.6, 0.9, 0.8])
    bins = equal_mass_bins(confidence, np.array([True, False, True, True]), 2)
    assert calibration_error(bins) == pytest.approx(0.5 * abs(0.55 - 0.5) + 0.5 * abs(0.85 - 1))


def test_answers_of_equal_confidence_count_alike_in_whatever_order_they_come():
    confidence, correct = np.full(90, 0.8), np.arange(90) < 72
    bins = equal_mass_bins(confidence, correct)
    assert calibration_error(bins) == pytest.approx(0.0, abs=1e-12)
    mixed = np.round(np.random.default_rng(0).uniform(0.4, 1, 500), 1)
    right = np.random.default_rng(1).random(500) < mixed
    errors = set()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(500)
        errors.add(round(calibration_error(equal_mass_bins(mixed[order], right[order])), 12))
    assert len(errors) == 1
    assert sum(one.images for one in equal_mass_bins(mixed, right)) == 500


def _tied(seed, count=600, classes=6):
    """Return answers that are calibrated, the tied ones over classes of their own accuracy."""
    generator = np.random.default_rng(seed)
    sure = np.where(generator.random(count) < 0.6, 0.94, generator.uniform(0.5, 0.94, count))
    kind = np.arange(count) * classes // count
    shift = np.linspace(0.05, -0.05, classes)[kind]
    right = generator.random(count) < np.clip(sure + shift, 0, 1)
    return np.stack([sure, 1 - sure], axis=1), np.where(right, 0, 1)


def test_ties_in_the_order_of_their_classes_exceed_chance_in_about_5_of_100_draws():
    found = [calibration(*_tied(seed)) for seed in range(300)]
    assert sum(one.error > one.floor_high for one in found) / 300 <= 0.08


def test_nothing_has_no_error():
    assert equal_mass_bins(np.empty(0), np.empty(0, dtype=bool)) == ()
    assert calibration_error(()) == 0.0
    assert calibration_floor(np.empty(0)) == (0.0, 0.0)


def test_the_floor_falls_with_the_number_of_images():
    few, many = _model(1, 300)[0].max(axis=1), _model(1, 3000)[0].max(axis=1)
    assert calibration_floor(few)[0] > 2 * calibration_floor(many)[0] > 0


def test_a_perfectly_calibrated_model_is_called_miscalibrated_at_most_5_times_in_100():
    found = [calibration(*_model(seed, 500)) for seed in range(300)]
    called = sum(one.error > one.floor_high for one in found)
    assert called / 300 <= 0.08
    assert called > 0  # the bound is not so loose that it can never speak


def test_the_floor_is_what_calibrated_models_show_on_average():
    found = [calibration(*_model(seed, 500)) for seed in range(200)]
    errors, floors = [one.error for one in found], [one.floor for one in found]
    assert np.mean(errors) == pytest.approx(np.mean(floors), rel=0.05)


@pytest.mark.parametrize("sharpness", [0.5, 2.0])
def test_a_model_too_sure_or_unsure_is_found_and_mended_by_its_temperature(sharpness):
    temperature = fit_temperature(*_model(3, 4000, sharpness))
    assert temperature == pytest.approx(sharpness, rel=0.1)
    found = calibration(*_model(4, 4000, sharpness), temperature)
    assert found.error_scaled < found.floor_high < found.error


def test_a_temperature_does_not_change_answers():
    probabilities, _ = _model(5, 200)
    assert (scale_by_temperature(probabilities, 3).argmax(1) == probabilities.argmax(1)).all()


def test_a_temperature_needs_images():
    with pytest.raises(ValueError, match="needs images"):
        fit_temperature(np.empty((0, 7)), np.empty(0, dtype=int))


def test_the_same_answers_always_have_the_same_floor():
    confidence = _model(6)[0].max(axis=1)
    assert calibration_floor(confidence) == calibration_floor(confidence[::-1])
