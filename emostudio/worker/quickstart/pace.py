"""How far the quickstart is: by time while it trains, by the work itself while it measures."""

from __future__ import annotations

import time

from emostudio.worker.quickstart.budget import MEASURING_SHARE, Budget

_TRAINED = 1 - MEASURING_SHARE
_LEAST_SHARE = 0.1
"""Part of the measuring after which its speed tells how long the rest takes."""


class Pace:
    """Progress over all stages; it never stands still at the end of the minutes.

    Parameters
    ----------
    budget
        The minutes, which trainings keep to and measurements may overrun.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._stage = (0.0, _TRAINED)
        self._measuring_since_s: float | None = None
        self._most = 0.0

    def measure(self, begin: float, end: float) -> None:
        """Enter a stage of the measuring that goes from share `begin` to share `end` of it."""
        if self._measuring_since_s is None:
            self._measuring_since_s = time.monotonic()
        self._stage = (begin, end)

    def fraction(self, stage_fraction: float | None) -> float:
        """Return the share of everything that is done; it never falls."""
        if self._measuring_since_s is None:
            share = min(self._budget.fraction, _TRAINED)
        else:
            share = _TRAINED + MEASURING_SHARE * self._measured(stage_fraction)
        self._most = max(self._most, share)
        return self._most

    def left_s(self, stage_fraction: float | None) -> float | None:
        """Return the seconds still to come, None where nothing says how many."""
        if self._measuring_since_s is None:
            return self._budget.left_s if self._budget.left_s > 0 else None
        done = self._measured(stage_fraction)
        if done < _LEAST_SHARE:
            return None
        return (time.monotonic() - self._measuring_since_s) * (1 - done) / done

    def _measured(self, stage_fraction: float | None) -> float:
        begin, end = self._stage
        return begin + (end - begin) * min(max(stage_fraction or 0.0, 0.0), 1.0)
