"""How the quickstart's minutes are shared out."""

from __future__ import annotations

import time

MEASURING_SHARE = 0.22
"""Part of the time kept for evaluating, timing and the report."""

LEAST_TRAINING_S = 4.0


class Budget:
    """Time until the job should be done; whoever is slow takes it from those who come later.

    Parameters
    ----------
    minutes
        All of it.
    """

    def __init__(self, minutes: float) -> None:
        self.total_s = minutes * 60
        self._start_s = time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start_s

    @property
    def left_s(self) -> float:
        """Seconds until the end; negative when it is overrun."""
        return self.total_s - self.spent_s

    @property
    def fraction(self) -> float:
        """Share of the time that is spent, for the progress bar."""
        return min(0.99, self.spent_s / self.total_s)

    def training_s(self, weight: float, later_weights: float) -> float:
        """Return the seconds one training may take.

        Parameters
        ----------
        weight
            Its weight.
        later_weights
            Sum of the weights of all trainings still to come after it.
        """
        usable = self.left_s - MEASURING_SHARE * self.total_s
        return max(LEAST_TRAINING_S, usable * weight / (weight + later_weights))
