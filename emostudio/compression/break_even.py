"""Which layers are worth decomposing on this machine: their times, and what follows from them.

References
----------
.. [1] Amdahl, "Validity of the single processor approach to achieving large scale computing
   capabilities", AFIPS 1967.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from emostudio.compression import layer_times
from emostudio.compression.base import SkippedLayer
from emostudio.compression.factor_layers import VECTOR_CHANNELS
from emostudio.compression.layer_times import LayerTimes
from emostudio.compression.surgery import WeightLayer, skeleton
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Progress
from emostudio.core.low_rank import LayerBreakEven, RankTime
from emostudio.evaluation.layer_timing import Shape, chain_graph, geometry, time_interleaved
from emostudio.models.loaded import LoadedModel

THREADS = 1
"""Decisions rest on times with as many threads as predictions run with unless told otherwise."""
SLOWER = "slower here"
"""How the reason begins why a layer is left alone because of its time."""
_SAMPLE_RANK = 16
"""At rank 1, depthwise and full kernels are the same."""
_RUNGS = 6
_LOWEST_SHARE = 1 / 16
_LEAST_GRID_STEPS = 4
_DENSE = "dense"


class Ladder(Protocol):
    """What a method says about its factors of any rank; see `DecompositionMethod`."""

    def at_rank(self, layer: WeightLayer, rank: int, settings: Any) -> dict[str, Any]:
        """Return the arguments of `thin_layers` for a rank."""
        ...

    def rank_of(self, layer: WeightLayer, arguments: Mapping[str, Any]) -> int:
        """Return the rank that arguments stand for, the inverse of `at_rank`."""
        ...

    def size_limit(self, layer: WeightLayer, settings: Any) -> int:
        """Return the rank from which the factors have no fewer weights than the layer."""
        ...

    def thin_layers(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Sequential:
        """Return the layers that stand for `layer`."""
        ...


@dataclass(frozen=True)
class Contest:
    """A layer at its place in a network, and the factors that might stand for it.

    Attributes
    ----------
    name, layer
        The layer; only its geometry is used.
    input_shape
        Of what it is given, without the batch.
    method, settings
        Make the factors.
    """

    name: str
    layer: WeightLayer
    input_shape: Shape
    method: Ladder
    settings: Any

    @property
    def geometry(self) -> str:
        """The layer and its input in words."""
        return geometry(self.layer, self.input_shape)

    @property
    def chain(self) -> str:
        """The factors in words, apart from their rank."""
        return repr(self._factors(_SAMPLE_RANK))

    def known(self, threads: int = THREADS) -> LayerTimes | None:
        """Return what was measured on this machine, or None."""
        return layer_times.recall(self.geometry, self.chain, threads)

    def knows(self, rank: int | None, threads: int) -> bool:
        """Whether the times of this machine say something about a rank, if one is asked for."""
        known = self.known(threads)
        return known is not None and (rank is None or known.share(rank) is not None)

    def measure(
        self, rank: int | None, *, threads: int, deadline_s: float, again: bool = False
    ) -> Generator[Progress, None, LayerTimes]:
        """Time the layer against factors of a few ranks, `rank` among them, and keep the times.

        Where times are known, `rank` is added to them, unless all is to be measured `again`.

        Raises
        ------
        EmoStudioError
            If the layer cannot be run by itself.
        """
        known = None if again else self.known(threads)
        asked = {rank} if rank is not None and rank >= 1 else set()
        ranks = sorted(asked | set(() if known else self._rungs()))
        graphs = {_DENSE: chain_graph([self.layer], self.input_shape)}
        for rung in ranks:
            graphs[str(rung)] = chain_graph(self._factors(rung), self.input_shape)
        found = yield from time_interleaved(graphs, self.input_shape, threads, deadline_s)
        dense = np.array(found[_DENSE])
        measured = tuple(_rank_time(rung, np.array(found[str(rung)]), dense) for rung in ranks)
        fresh = LayerTimes(
            machine=layer_times.machine_words(),
            threads=threads,
            geometry=self.geometry,
            dense_ms=float(np.median(dense)),
            times=measured,
            grid=self._grid(),
        )
        times = fresh if known is None else known.joined(measured)
        layer_times.keep(times, self.chain)
        return times

    def report(self, times: LayerTimes, rank: int | None) -> LayerBreakEven:
        """Return times as an answer, with what they say about a planned rank."""
        return LayerBreakEven(
            layer=self.name,
            dense_ms=times.dense_ms,
            times=times.times,
            grid=times.grid,
            break_even_rank=times.break_even_rank,
            size_limit=self.method.size_limit(self.layer, self.settings),
            planned_rank=rank,
            planned_share=None if rank is None else times.share(rank),
            is_slower=rank is not None and times.is_slower(rank),
        )

    def _grid(self) -> int:
        limit = self.method.size_limit(self.layer, self.settings)
        is_wide = isinstance(self.layer, nn.Conv2d) and limit >= VECTOR_CHANNELS * _LEAST_GRID_STEPS
        return VECTOR_CHANNELS if is_wide else 1

    def _rungs(self) -> set[int]:
        limit, grid = max(self.method.size_limit(self.layer, self.settings), 2), self._grid()
        steps = np.geomspace(max(limit * _LOWEST_SHARE, 1), limit, _RUNGS)
        return {max(round(step / grid), 1) * grid for step in steps}

    def _factors(self, rank: int) -> list[nn.Module]:
        """Return the layers as exported graphs have them, without values."""
        arguments = self.method.at_rank(self.layer, rank, self.settings)
        with torch.device("meta"):
            thin: nn.Module = self.method.thin_layers(self.layer, arguments)
            exported = getattr(thin, "exported", None)
            return list((thin if exported is None else exported()).children())


def contests(
    method: Ladder, model: LoadedModel, settings: Any, layers: Mapping[str, WeightLayer]
) -> list[Contest]:
    """Return the layers with the shapes of their inputs; those that never run are left out."""
    shapes = input_shapes(model, layers)
    return [
        Contest(name, layer, shapes[name], method, settings)
        for name, layer in layers.items()
        if name in shapes
    ]


def input_shapes(model: LoadedModel, names: Iterable[str]) -> dict[str, Shape]:
    """Return the shape, without the batch, of what each layer is given for one input."""
    network = skeleton(model).network().eval()
    shapes: dict[str, Shape] = {}

    def note(name: str, inputs: tuple[Any, ...]) -> None:
        shapes[name] = tuple(int(side) for side in inputs[0].shape[1:])

    handles = [
        network.get_submodule(name).register_forward_pre_hook(
            lambda _layer, inputs, name=name: note(name, inputs)
        )
        for name in names
    ]
    traced_as = getattr(network, "traced_as", None)
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            (network if traced_as is None else traced_as())(
                torch.zeros(1, *model.input_shape, device=device)
            )
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def without_slower(
    method: Ladder,
    model: LoadedModel,
    settings: Any,
    planned: Mapping[str, tuple[WeightLayer, dict[str, Any]]],
) -> list[SkippedLayer]:
    """Return the layers whose planned factors were measured slower on this machine, with reasons.

    Nothing is measured here; what was not measured is not judged.

    Parameters
    ----------
    planned
        Layer and arguments of its factors, by name.
    """
    if not layer_times.any_kept():
        return []
    layers = {name: layer for name, (layer, _) in planned.items()}
    found = []
    for contest in contests(method, model, settings, layers):
        rank = method.rank_of(contest.layer, planned[contest.name][1])
        reason = why_slower(contest, rank)
        if reason:
            found.append(SkippedLayer(contest.name, reason))
    return found


def why_slower(contest: Contest, rank: int) -> str:
    """Return in words that factors of `rank` were measured slower on this machine, or nothing."""
    times = contest.known()
    share = None if times is None else times.share(rank)
    if times is None or share is None or not times.is_slower(rank):
        return ""
    limit = times.break_even_rank
    hint = f"break-even at rank {limit}" if limit else "so is every rank measured"
    if limit is None or (rank % times.grid and rank < limit):
        hint = f"no multiple of {times.grid}, which alone runs on vector kernels"
    return f"{SLOWER}: factors of rank {rank} take {share:.2f} times as long as the layer, {hint}"


def measure_all(
    wanted: Iterable[tuple[Contest, int | None]],
    *,
    threads: int,
    budget_s: float,
    again: bool = False,
) -> Generator[Progress, None, None]:
    """Time what was not measured on this machine before, as far as the seconds reach.

    Parameters
    ----------
    wanted
        Contests, each with a rank that must be among the measured ones, if any.
    threads
        Within one operator.
    budget_s
        Behind it no layer is begun.
    again
        Whether to measure what was measured before, too.
    """
    deadline_s = time.monotonic() + budget_s
    todo: dict[tuple[str, str], tuple[Contest, int | None]] = {}
    for contest, rank in wanted:
        if again or not contest.knows(rank, threads):
            todo.setdefault((contest.geometry, contest.chain), (contest, rank))
    for number, (contest, rank) in enumerate(todo.values()):
        if time.monotonic() > deadline_s:
            return
        share, message = number / len(todo), f"Timing {contest.name} against its factors"
        try:
            timing = contest.measure(rank, threads=threads, deadline_s=deadline_s, again=again)
            for _ in timing:
                yield Progress(fraction=share, message=message)
        except EmoStudioError as error:
            yield Progress(fraction=share, message=f"{contest.name}: {error}")


def _rank_time(
    rank: int, times: np.ndarray[Any, np.dtype[np.float64]], dense: np.ndarray[Any, Any]
) -> RankTime:
    share = float(np.median(times / dense))
    return RankTime(rank=rank, ms=float(np.median(times)), share=share)
