"""Two ways of doing the same thing, timed in turns within one run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from harness import Row

from emostudio.statistics.blocks import block_ratio

Call = Callable[[], object]

_WARM_UP = 3


@dataclass(frozen=True)
class Timing:
    """How long to measure.

    Attributes
    ----------
    blocks
        Independent blocks; their order of sides changes from one to the next.
    block_s
        Seconds that one side gets in a block, at least one query each.
    """

    blocks: int = 12
    block_s: float = 0.3

    def speedup(self, key: str, reference: Call, candidate: Call) -> Row:
        """Return how many times faster `candidate` is than `reference`, with a 95 % interval.

        Both are called in turns, so that whatever else the machine does hits both.
        """
        times: tuple[list[float], list[float]] = ([], [])
        sides = (reference, candidate)
        for side in sides:
            for _ in range(_WARM_UP):
                side()
        queries = self._queries(sides)
        for block in range(self.blocks):
            medians = [0.0, 0.0]
            samples: tuple[list[float], list[float]] = ([], [])
            for query in range(max(queries)):
                for which in (0, 1) if (block + query) % 2 else (1, 0):
                    if query < queries[which]:
                        samples[which].append(_seconds(sides[which]))
            for which in (0, 1):
                medians[which] = float(np.median(samples[which]))
                times[which].append(medians[which])
        found = block_ratio(
            "candidate", "reference", np.array(times[1])[:, None], np.array(times[0])[:, None]
        )
        return Row(key, found.ratio, "x", found.interval)

    def _queries(self, sides: tuple[Call, Call]) -> tuple[int, int]:
        reference, candidate = (
            max(1, math.ceil(self.block_s / max(_seconds(side), 1e-6))) for side in sides
        )
        return min(reference, 400), min(candidate, 400)


def _seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
