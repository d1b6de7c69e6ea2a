"""How fast a network would train on this machine, from a few real steps on random pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.data.base import Split
from emostudio.training.batches import Batches
from emostudio.training.devices import prepared
from emostudio.training.objectives import Objective
from emostudio.training.run import TrainingRun
from emostudio.training.settings import TrainingSettings

_TRIAL_IMAGES = 4
_STEPS = 3
_ENOUGH_S = 0.7
"""Steps that took longer together are not repeated, longer ones are not tried."""


@dataclass(frozen=True)
class Pace:
    """Seconds that training takes per picture and pass.

    Attributes
    ----------
    fresh_s, repeated_s
        Per training picture, while its variations are new and once they come again: answers of
        a teacher are kept then.
    first_validation_s, validation_s
        Per validation picture, in the first epoch and in the others.
    """

    fresh_s: float
    repeated_s: float
    first_validation_s: float
    validation_s: float

    def seconds(
        self, settings: TrainingSettings, training_images: int, validation_images: int
    ) -> float:
        """Return how long a training takes with so many pictures, its time limit respected."""
        epochs = settings.epochs
        views = settings.views if settings.augmentation else 1
        fresh = min(views or epochs, epochs)
        passes_s = fresh * self.fresh_s + (epochs - fresh) * self.repeated_s
        validations_s = self.first_validation_s + (epochs - 1) * self.validation_s
        images = min(settings.max_images or training_images, training_images)
        seconds = passes_s * images + validations_s * validation_images if epochs else 0.0
        return min(seconds, settings.time_limit_s or seconds)


class _RandomPictures:
    """Noise with labels: training pictures from `first` to `last`, then a batch to validate."""

    name = "random pictures"

    def __init__(self, info: ModelInfo, first: int, last: int, batch: int) -> None:
        random = np.random.default_rng(0)
        known = [EMOTIONS.index(label) for label in info.labels]
        self.emotions = random.choice(known, last + batch).astype(np.int8)
        self._first, self._last = first, last

    def indices(self, split: Split) -> NDArray[np.int64]:
        """Return the places of the pictures to train on, or of those to validate with."""
        is_training = split is Split.TRAIN
        start, stop = (self._first, self._last) if is_training else (self._last, len(self.emotions))
        return np.arange(start, stop)

    def pixels(
        self, preprocessing: Preprocessing, context: JobContext | None = None
    ) -> NDArray[np.uint8]:
        """Return noise, uint8 (N, H, W, C)."""
        del context
        channels, height, width = preprocessing.input_shape
        shape = (len(self.emotions), height, width, channels)
        return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def measure_pace(
    module: nn.Module,
    objective: Objective,
    info: ModelInfo,
    settings: TrainingSettings,
    context: JobContext,
) -> Pace:
    """Time real steps of a training: data, variations, loss, gradients, optimiser, validation.

    The best of a few counts, since others may be using the machine just now. Where whole batches
    would take long, two smaller ones tell what a step costs and what each picture adds.

    Parameters
    ----------
    module
        Trained for a few steps: hand in a copy.
    objective, info, settings
        As for `loop.train`.
    context
        Device and threads; its report may cancel between steps.
    """
    batch = settings.batch_size
    with prepared(context, module):
        small = min(_TRIAL_IMAGES, batch)
        trial = _run(module, objective, info, settings, context, (0, small))
        small_s = min(_steps_s(trial, context))
        large = min(batch, max(4 * small, int(small * _ENOUGH_S / small_s)))
        run = _run(module, objective, info, settings, context, (small, large))
        fresh_s = repeated_s = min(_steps_s(run, context))
        if settings.views or not settings.augmentation:
            repeated_s = min(_steps_s(run, context))
        validations_s = [_validation_s(run) / large for _ in range(2)]
    growth_s = max(fresh_s - small_s, 0.0) / max(large - small, 1)
    share = (1.0 + growth_s * (batch - large) / fresh_s) / batch
    return Pace(fresh_s * share, repeated_s * share, *validations_s)


def _run(
    module: nn.Module,
    objective: Objective,
    info: ModelInfo,
    settings: TrainingSettings,
    context: JobContext,
    sizes: tuple[int, int],
) -> TrainingRun:
    """Return a run of a few batches, of pictures behind those of a run with smaller batches."""
    smaller, size = sizes
    first = _STEPS * smaller  # a teacher keeps its answers: no picture may come twice
    pictures = _RandomPictures(info, first, first + _STEPS * size, size)
    update = {"batch_size": size, "max_images": 0, "time_limit_s": 0.0}
    settings = settings.model_copy(update=update)
    batches = Batches(pictures, info, settings, context, needs_labels=False)
    return TrainingRun(module, objective, batches, info, settings, context, None)


def _steps_s(run: TrainingRun, context: JobContext) -> list[float]:
    """Return the seconds of the steps of an epoch, of fewer where they take long."""
    run.state.counters.start_epoch()
    seconds: list[float] = []
    for items in run.order():
        context.report(0.0, "Measuring how fast training is")
        run.step(items)
        seconds.append(run.state.counters.epoch_busy_s - sum(seconds))
        if sum(seconds) > _ENOUGH_S:
            break
    return seconds


def _validation_s(run: TrainingRun) -> float:
    run.end_epoch()
    return run.state.counters.validation_s
