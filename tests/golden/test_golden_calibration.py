"""Calibration error and temperature against formulas written out another way."""

import math

import numpy as np
import pytest
from scipy import optimize, special

from emostudio.statistics.calibration import calibration, fit_temperature


def _answers(seed, count=987, classes=7):
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2.5, size=(count, classes))
    truth = (logits + generator.gumbel(0, 2, size=logits.shape)).argmax(axis=1)
    return special.softmax(logits, axis=1), logits, truth


def _reference_error(probabilities, truth, bins=15):
    """Return the error of Nixon et al. in plain Python: rank, cut into bins, sum the gaps."""
    answers = sorted(
        (max(row), int(np.argmax(row)) == label)
        for row, label in zip(probabilities.tolist(), truth.tolist(), strict=True)
    )
    small, longer = divmod(len(answers), bins)
    total, start = 0.0, 0
    for number in range(bins):
        part = answers[start : start + small + (number < longer)]
        start += len(part)
        total += abs(math.fsum(c for c, _ in part) - math.fsum(right for _, right in part))
    return total / len(answers)


@pytest.mark.parametrize("seed", range(5))
def test_calibration_error_equals_the_formula_written_out(seed):
    probabilities, _, truth = _answers(seed)
    assert calibration(probabilities, truth).error == pytest.approx(
        _reference_error(probabilities, truth), abs=1e-9
    )


@pytest.mark.parametrize("seed", range(3))
def test_temperature_is_where_the_slope_of_the_likelihood_vanishes(seed):
    probabilities, logits, truth = _answers(seed)

    def slope(coldness):
        expected = (special.softmax(coldness * logits, axis=1) * logits).sum(axis=1)
        return (expected - logits[np.arange(len(truth)), truth]).mean()

    root = 1 / optimize.brentq(slope, 0.05, 20, xtol=1e-13)
    assert fit_temperature(probabilities, truth) == pytest.approx(root, rel=1e-5)


def test_scaled_error_is_the_error_of_the_scaled_logits():
    probabilities, logits, truth = _answers(9)
    found = calibration(probabilities, truth, temperature=1.7)
    expected = _reference_error(special.softmax(logits / 1.7, axis=1), truth)
    assert found.error_scaled == pytest.approx(expected, abs=1e-9)
