"""Labels below each other in a given order, each as near as can be to where it belongs."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEP = 2.0

Span = tuple[float, float]
"""Top and bottom."""


def ordered_tops(
    wanted: Sequence[float], height: float, span: Span, blocked: Sequence[Sequence[Span]]
) -> list[float] | None:
    """Return tops of labels that keep their order and cover nothing.

    Parameters
    ----------
    wanted
        Where each label would like its top, from the first to the last label.
    height
        Of every label.
    span
        Where labels may stand.
    blocked
        What each label must not cover.

    Returns
    -------
    Tops with the least sum of squared ways from `wanted`, found by dynamic programming over places
    `_STEP` pixels apart; None where the labels do not fit.
    """
    count = int((span[1] - height - span[0]) // _STEP) + 1
    if count < 1:
        return None
    slots = [span[0] + place * _STEP for place in range(count)]
    apart = math.ceil(height / _STEP)
    tables: list[list[int]] = []
    sums: list[float] = []  # of the labels so far, the last one at this place or above it
    for top, walls in zip(wanted, blocked, strict=True):
        costs = [
            math.inf
            if any(slot < wall[1] and wall[0] < slot + height for wall in walls)
            else (slot - top) ** 2
            for slot in slots
        ]
        if tables:
            costs = [
                cost + (sums[place - apart] if place >= apart else math.inf)
                for place, cost in enumerate(costs)
            ]
        sums, picks = _running_least(costs)
        tables.append(picks)
    return None if math.isinf(sums[-1]) else _followed(tables, slots, apart)


def _running_least(costs: Sequence[float]) -> tuple[list[float], list[int]]:
    """Return the least cost up to every place, and where it is."""
    sums: list[float] = []
    picks: list[int] = []
    for place, cost in enumerate(costs):
        is_less = not sums or cost < sums[-1]
        sums.append(cost if is_less else sums[-1])
        picks.append(place if is_less else picks[-1])
    return sums, picks


def _followed(tables: Sequence[Sequence[int]], slots: Sequence[float], apart: int) -> list[float]:
    tops: list[float] = []
    limit = len(slots) - 1
    for picks in reversed(tables):
        place = picks[limit]
        tops.append(slots[place])
        limit = place - apart
    return tops[::-1]
