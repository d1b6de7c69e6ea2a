"""How much of the processors other programs use while something is timed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psutil

MAX_FOREIGN_SHARE = 0.1
"""Above this share of all processors, timings are not fit to be published."""
_SHORTEST_S = 0.05
"""Processor times come in ticks of 10 ms: shorter spans say nothing."""


class LoadMeter:
    """Processor time of everybody else since the meter was made or last read.

    On a virtual machine the time that the host took away (steal) counts as foreign.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._total, self._busy, self._own = self._read()

    def read(self) -> float | None:
        """Return the share of all processors that others used, 0 to 1; None if too short."""
        total, busy, own = self._read()
        spent = total - self._total
        if spent < _SHORTEST_S:
            return None
        foreign = (busy - self._busy) - (own - self._own)
        self._total, self._busy, self._own = total, busy, own
        return min(1.0, max(0.0, foreign / spent))

    def _read(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()._asdict()
        # Linux counts guests within user and nice as well
        total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
        idle = times.get("idle", 0.0) + times.get("iowait", 0.0)
        used = self._process.cpu_times()
        return (total, total - idle, used.user + used.system)


def load_facts(shares: Sequence[float | None]) -> dict[str, Any]:
    """Return what others used, by block and on average, as JSON values.

    Parameters
    ----------
    shares
        What `LoadMeter.read` said after each block.
    """
    known = [share for share in shares if share is not None]
    return {
        "foreign_share": round(sum(known) / len(known), 3) if known else None,
        "foreign_share_by_block": [None if one is None else round(one, 2) for one in shares],
    }
