"""How many channels each block keeps: the same share everywhere, or the best ones anywhere."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emostudio.compression.channels import Block, ChannelGraph
from emostudio.core.errors import InputError

_STEPS = 100


@dataclass(frozen=True)
class Budget:
    """What is to be left.

    Attributes
    ----------
    pruning_ratio
        Share of the channels to remove.
    mac_target
        Share of the multiply-adds to keep; 0 leaves it to `pruning_ratio`.
    least
        Channels that stay in every block.
    round_to
        Blocks of twice as many channels and more keep a multiple of this.
    fixed_macs
        Multiply-adds of the layers that the graph does not hold.
    """

    pruning_ratio: float
    mac_target: float = 0.0
    least: int = 8
    round_to: int = 8
    fixed_macs: int = 0

    def kept(self, channels: int, ratio: float) -> int:
        """Return how many of a block's channels stay."""
        unit = self.unit(channels)
        wanted = unit * int(channels * (1.0 - ratio) / unit + 0.5)
        return min(channels, max(wanted, min(self.least, channels), 1))

    def unit(self, channels: int) -> int:
        """Return how many channels go at a time: small blocks give them one by one."""
        return self.round_to if channels >= 2 * self.round_to else 1

    def mac_limit(self, graph: ChannelGraph) -> int:
        """Return the multiply-adds of `graph` that may be left."""
        everything = graph.macs(np.ones(graph.count, bool)) + self.fixed_macs
        return int(self.mac_target * everything) - self.fixed_macs


def uniform_counts(graph: ChannelGraph, blocks: Sequence[Block], budget: Budget) -> list[int]:
    """Return how many channels each block keeps if all give the same share.

    Raises
    ------
    InputError
        If no share of the channels brings the multiply-adds down to the target.
    """
    if not budget.mac_target:
        return [budget.kept(len(block.channels), budget.pruning_ratio) for block in blocks]
    limit = budget.mac_limit(graph)
    for step in range(_STEPS + 1):
        counts = [budget.kept(len(block.channels), step / _STEPS) for block in blocks]
        alive = np.ones(graph.count, bool)
        for block, count in zip(blocks, counts, strict=True):
            alive[block.channels[count:]] = False
        if graph.macs(alive) <= limit:
            return counts
    raise InputError(
        f"{budget.mac_target:.0%} of the multiply-adds cannot be reached",
        why="the layers that may be pruned hold too few of them",
        next_step="Choose more layers or a larger share",
    )


def keep_best(
    blocks: Sequence[Block], counts: Sequence[int], scores: np.ndarray, alive: np.ndarray
) -> np.ndarray:
    """Return which channels stay, bool (count,): the `counts` best of each block."""
    after = alive.copy()
    for block, count in zip(blocks, counts, strict=True):
        present = block.channels[alive[block.channels]]
        order = present[np.argsort(scores[present], kind="stable")]
        after[order[: max(len(present) - count, 0)]] = False
    return after


def drop_worst(
    graph: ChannelGraph,
    blocks: Sequence[Block],
    budget: Budget,
    scores: np.ndarray,
    alive: np.ndarray,
    share: float,
) -> np.ndarray:
    """Return which channels stay if the least important go, whatever block they are in.

    Parameters
    ----------
    graph, blocks, budget
        Of the network with all its channels.
    scores
        Importance, float64 (count,).
    alive
        Channels that are there, bool (count,).
    share
        How much of the whole budget is to be used up so far, in (0, 1].
    """
    after = alive.copy()
    members = [block.channels for block in blocks]
    total = sum(len(channels) for channels in members)
    wanted = round(share * budget.pruning_ratio * total)
    whole = graph.macs(np.ones(graph.count, bool))
    limit = whole - share * (whole - budget.mac_limit(graph))
    queue = [
        (score, place)
        for place, channels in enumerate(members)
        if (score := _next_score(channels, budget, scores, after)) is not None
    ]
    heapq.heapify(queue)
    while queue:
        removed = sum(int((~after[channels]).sum()) for channels in members)
        if graph.macs(after) <= limit if budget.mac_target else removed >= wanted:
            break
        _, place = heapq.heappop(queue)
        after[_lowest(members[place], budget, scores, after)] = False
        score = _next_score(members[place], budget, scores, after)
        if score is not None:
            heapq.heappush(queue, (score, place))
    return after


def _next_score(
    channels: np.ndarray, budget: Budget, scores: np.ndarray, alive: np.ndarray
) -> float | None:
    """Return the mean score of what a block would give next, None where it gives no more."""
    unit = _lowest(channels, budget, scores, alive)
    return float(scores[unit].mean()) if len(unit) else None


def _lowest(
    channels: np.ndarray, budget: Budget, scores: np.ndarray, alive: np.ndarray
) -> np.ndarray:
    """Return the channels of a block that would go next, none where the floor is reached."""
    present: np.ndarray = channels[alive[channels]]
    unit = budget.unit(len(channels))
    size = len(present) % unit or unit
    if len(present) - size < max(min(budget.least, len(channels)), 1):
        size = 0
    lowest: np.ndarray = present[np.argsort(scores[present], kind="stable")[:size]]
    return lowest
