"""One training as it was heard: its errors and the times of its steps, by epoch."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median

from pydantic import BaseModel

from emostudio.paper.parts import StepTime
from emostudio.statistics.intervals import t_interval

_MOST_BLOCKS = 20
_LEAST_STEPS = 5
"""Per block."""

Errors = tuple[float, float | None]


class Training(BaseModel):
    """What one training said.

    Attributes
    ----------
    errors
        On the pictures trained on and on those kept back, by epoch.
    steps
        Milliseconds and pictures of the steps timed, by epoch.
    """

    errors: dict[int, Errors] = {}
    steps: dict[int, list[tuple[float, int]]] = {}

    def drop_from(self, epoch: int) -> None:
        """Forget an epoch and all behind it: they are done again."""
        self.errors = {known: kept for known, kept in self.errors.items() if known < epoch}
        self.steps = {known: kept for known, kept in self.steps.items() if known < epoch}

    def take_in(self, later: Training) -> None:
        """Add what was heard later."""
        self.errors |= later.errors
        self.steps |= later.steps

    def errors_in_order(self) -> list[Errors]:
        """Return the errors, the first epoch first."""
        return [self.errors[epoch] for epoch in sorted(self.errors)]

    @property
    def batch_size(self) -> int:
        """Pictures per step, 0 without any step."""
        images = [count for steps in self.steps.values() for _, count in steps]
        return round(median(images)) if images else 0

    def step_time(self, trainings: int) -> StepTime | None:
        """Return the time of a step; None where too few were done.

        Steps that follow each other are alike, so that each block of them counts once, by its
        median.

        Parameters
        ----------
        trainings
            How many the part has; this is the last of them.
        """
        timed = [ms for epoch in sorted(self.steps) for ms, _ in self.steps[epoch]]
        blocks = min(_MOST_BLOCKS, len(timed) // _LEAST_STEPS)
        if blocks < 2:
            return None
        ends = [len(timed) * number // blocks for number in range(blocks + 1)]
        mean, low, high = t_interval([math.log(median(timed[a:b])) for a, b in pairwise(ends)])
        return StepTime(
            median_ms=math.exp(mean),
            low_ms=math.exp(low),
            high_ms=math.exp(high),
            steps=len(timed),
            blocks=blocks,
            trainings=trainings,
        )
