"""What has to be right before timings may be published, and what is said where it is not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emostudio.evaluation.foreign_load import MAX_FOREIGN_SHARE

MIN_BLOCKS = 30
MIN_SIDE_S = 10.0
MAX_SCATTER = 0.1


def foreign_load_words(share: float | None) -> tuple[str, ...]:
    """Say that others used too much of the processors; `share` is of all of them, 0 to 1."""
    if share is None or share <= MAX_FOREIGN_SHARE:
        return ()
    return (f"Other programs used {100 * share:.0f} % of the processors meanwhile",)


def noise_words(
    samples_ms: Mapping[str, NDArray[np.float64]], outputs_match: Mapping[str, bool]
) -> tuple[str, ...]:
    """Say which contender answered differently while timed, or had blocks that scatter.

    Parameters
    ----------
    samples_ms
        By contender, shape (blocks, queries).
    outputs_match
        By contender: whether its answers while timed were those of the untimed pass.
    """
    found = []
    for name, times in samples_ms.items():
        if not outputs_match[name]:
            found.append(f"{name} answered differently while it was timed")
        medians = np.median(times, axis=1)
        if len(medians) > 1 and medians.std(ddof=1) >= MAX_SCATTER * medians.mean():
            found.append(f"Blocks of {name} scatter by 10 % or more: the machine was not quiet")
    return tuple(found)


def too_short_words(samples_ms: Mapping[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """Say that there are too few blocks or too little time for a figure to publish."""
    found = []
    blocks = min(len(times) for times in samples_ms.values())
    if blocks < MIN_BLOCKS:
        found.append(f"Only {blocks} blocks; {MIN_BLOCKS} are needed for a figure to publish")
    timed_s = {name: float(times.sum()) / 1e3 for name, times in samples_ms.items()}
    shortest = min(timed_s, key=lambda name: timed_s[name])
    if timed_s[shortest] < MIN_SIDE_S:
        found.append(f"{shortest} was timed for {timed_s[shortest]:.1f} s only")
    return tuple(found)
