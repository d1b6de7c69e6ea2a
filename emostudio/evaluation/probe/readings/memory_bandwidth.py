"""How fast numbers come from memory: what bounds linear layers, whose weights no cache holds."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emostudio.evaluation.latency import Contender
from emostudio.evaluation.probe.base import Reading, Work, Workload

_LEAST_BYTES = 64 * 2**20
_CACHES = 2
"""Each of the three arrays is that much larger than the last cache."""
_ARRAYS = 3
_FACTOR = 0.5
_SHOWN = 8


class TriadSession:
    """``a = b + factor * c`` over arrays that no cache holds.

    Parameters
    ----------
    arrays
        Three of float32 (n,), of which the first is written.
    threads
        Threads to share the work.
    """

    engine = "torch"
    kernels: Any = "real"

    def __init__(self, arrays: tuple[torch.Tensor, ...], threads: int) -> None:
        self._written, self._first, self._second = arrays
        self._threads_before = torch.get_num_threads()
        torch.set_num_threads(threads)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return some of what was written, (1, 8); `batch` is not looked at."""
        del batch
        torch.add(self._first, self._second, alpha=_FACTOR, out=self._written)
        return self._written[:_SHOWN].numpy()[None].copy()

    def close(self) -> None:
        """Give back the threads."""
        torch.set_num_threads(self._threads_before)


class MemoryBandwidth(Reading):
    """The triad of the STREAM benchmark."""

    key = "memory_bandwidth"
    title = "Memory bandwidth"
    family = "memory"
    summary = "Bytes read and written per second; linear layers of one picture are bound by it"
    reference = "McCalpin 1995, STREAM"
    what = "triad a = b + s·c over arrays far beyond the caches"
    layers = "memory"
    engine = "torch"
    unit = "GB/s"

    def workload(self, threads: int) -> Workload:
        """Return the triad; what it reads and writes counts, as STREAM does."""
        count = max(_LEAST_BYTES, _CACHES * _cache_bytes()) // 4
        arrays = tuple(torch.full((count,), float(place)) for place in range(_ARRAYS))
        contender = Contender(
            "memory triad", lambda: TriadSession(arrays, threads), np.zeros((1, 1), np.float32)
        )
        return Workload(Work(contender, float(4 * _ARRAYS * count)))


def _cache_bytes() -> int:
    """Return the size of the last cache; 0 where the system does not say."""
    names = getattr(os, "sysconf_names", {})
    if "SC_LEVEL3_CACHE_SIZE" not in names:
        return 0
    return max(0, os.sysconf("SC_LEVEL3_CACHE_SIZE"))


READING = MemoryBandwidth()
