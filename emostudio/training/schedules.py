"""Learning-rate schedules over the share of the training that is done."""

from __future__ import annotations

import math

from emostudio.training.settings import TrainingSettings

_LARGEST_WARM_UP = 0.2
_TIMED_WARM_UP = 0.1


def learning_rate(settings: TrainingSettings, progress: float) -> float:
    """Return the learning rate where `progress` in [0, 1] of the training is done.

    It rises linearly over the warm-up, then stays or falls along half a cosine to zero.
    """
    peak = settings.peak_learning_rate
    warm_up = settings.warmup_epochs / max(settings.epochs, 1)
    if settings.time_limit_s and warm_up:  # how many epochs will fit is not known
        warm_up = max(warm_up, _TIMED_WARM_UP)
    warm_up = min(warm_up, _LARGEST_WARM_UP)
    if progress < warm_up:
        return peak * progress / warm_up
    if settings.schedule == "constant":
        return peak
    return peak * 0.5 * (1.0 + math.cos(math.pi * (progress - warm_up) / (1.0 - warm_up)))


def next_share(progress: float, steps_left: int, seconds_left: float, step_s: float) -> float:
    """Return the share of the training that the coming step stands for.

    Parameters
    ----------
    progress
        Share done so far.
    steps_left
        Steps that remain without a time limit.
    seconds_left
        Time that remains; infinite without a limit.
    step_s
        Seconds per step so far, 0 while unknown.
    """
    if step_s > 0 and math.isfinite(seconds_left):
        steps_left = min(steps_left, int(max(seconds_left, 0.0) / step_s))
    return (1.0 - progress) / max(steps_left, 1)
