import math

import pytest

from emostudio.training.schedules import learning_rate, next_share
from emostudio.training.settings import TrainingSettings


def test_rate_rises_to_the_peak_then_falls_to_zero():
    settings = TrainingSettings(epochs=10, warmup_epochs=1, learning_rate=0.4)
    rates = [learning_rate(settings, share / 100) for share in range(101)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(0.2)
    assert max(rates) == rates[10] == pytest.approx(0.4)
    assert rates[55] == pytest.approx(0.2)
    assert rates[100] == pytest.approx(0, abs=1e-12)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_constant_schedule_stays_at_the_peak():
    settings = TrainingSettings(epochs=10, warmup_epochs=0, schedule="constant", learning_rate=0.1)
    assert {learning_rate(settings, share / 10) for share in range(11)} == {0.1}


def test_warm_up_takes_at_most_a_fifth_of_a_short_training():
    settings = TrainingSettings(epochs=2, warmup_epochs=3, learning_rate=1.0)
    assert learning_rate(settings, 0.2) == pytest.approx(1.0)


def test_time_limit_warms_up_over_a_tenth_however_many_epochs_are_allowed():
    timed = TrainingSettings(epochs=1000, warmup_epochs=1, learning_rate=1.0, time_limit_s=9)
    assert learning_rate(timed, 0.05) == pytest.approx(0.5)
    assert learning_rate(timed, 0.1) == pytest.approx(1.0)
    cold = TrainingSettings(epochs=1000, warmup_epochs=0, learning_rate=1.0, time_limit_s=9)
    assert learning_rate(cold, 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("optimiser", "rate", "decay"), [("sgd", 1e-2, 5e-4), ("adamw", 1e-3, 1e-2)]
)
def test_automatic_rate_and_decay_follow_the_optimiser(optimiser, rate, decay):
    settings = TrainingSettings(optimiser=optimiser)
    assert (settings.peak_learning_rate, settings.applied_weight_decay) == (rate, decay)
    chosen = TrainingSettings(optimiser=optimiser, learning_rate=0.5, weight_decay=0.0)
    assert (chosen.peak_learning_rate, chosen.applied_weight_decay) == (0.5, 0.0)


def test_shares_of_all_steps_add_up_to_the_whole():
    progress = 0.0
    for step in range(7):
        progress += next_share(progress, 7 - step, math.inf, 0.1)
    assert progress == pytest.approx(1.0)


def test_time_limit_shortens_the_schedule_to_the_steps_that_fit():
    assert next_share(0.5, 1000, seconds_left=1.0, step_s=0.1) == pytest.approx(0.05)
    assert next_share(0.5, 4, seconds_left=1.0, step_s=0.1) == pytest.approx(0.125)
    assert next_share(0.5, 1000, seconds_left=-1.0, step_s=0.1) == pytest.approx(0.5)
