"""How far the experiments are: by the expected time of their parts, corrected as they go."""

from __future__ import annotations

import time
from collections.abc import Mapping


class PaperPace:
    """Progress over all parts.

    Parameters
    ----------
    weights
        Expected seconds of every part that is still to be done, by key.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = dict(weights)
        self._total = sum(weights.values()) or 1.0
        self._done = 0.0
        self._current = 0.0
        self._start_s = time.monotonic()

    def begin(self, key: str) -> None:
        """Enter a part."""
        self._current = self._weights.get(key, 0.0)

    def end(self) -> None:
        """Leave it, done or given up."""
        self._done += self._current
        self._current = 0.0

    def fraction(self, within: float) -> float:
        """Return the share of everything that is done, `within` of the present part being done."""
        inside = self._current * min(max(within, 0.0), 1.0)
        return min(1.0, (self._done + inside) / self._total)

    def left_s(self, within: float) -> float | None:
        """Return the seconds still to come; None before there is anything to judge by."""
        share = self.fraction(within)
        if share < 0.02:
            return None
        return (time.monotonic() - self._start_s) * (1 - share) / share
