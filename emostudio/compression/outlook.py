"""What decomposing some layers can give at best on this machine, and how it is found out."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from emostudio.compression import layer_times
from emostudio.compression.break_even import THREADS, Contest, contests, measure_all
from emostudio.compression.decomposition import DecompositionMethod
from emostudio.compression.forecast import with_any_values
from emostudio.compression.layer_times import LayerTimes
from emostudio.compression.surgery import skeleton
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Progress
from emostudio.core.low_rank import LayerBreakEven, LowRankOutlook
from emostudio.evaluation import complexity
from emostudio.evaluation.layer_timing import time_interleaved
from emostudio.inference.graph import onnx_graph
from emostudio.models.loaded import LoadedModel

_NETWORK = "the whole network"

Method = DecompositionMethod[Any]


def outlook(
    method: Method, model: LoadedModel, settings: Any, *, step: int = 0, threads: int = THREADS
) -> LowRankOutlook:
    """Return what is known about decomposing a network's layers; nothing is measured here.

    Parameters
    ----------
    method, settings
        Choose the layers and their ranks.
    model
        The network before the step; its values do not matter.
    step
        Place of the step in its recipe.
    threads
        Of the times that are looked up.

    Raises
    ------
    InputError
        If a pattern of the settings matches no layer.
    """
    settings = method.resolved(model, settings)
    known, unknown = [], []
    for contest, rank in _wanted(method, model, settings):
        times = contest.known(threads)
        if times is None or (rank is not None and times.share(rank) is None):
            unknown.append(contest.name)
        if times is not None:
            known.append(contest.report(times, rank))
    kept = set(method.chosen(model, settings).layers or method.candidates(model, settings))
    layers = [one for one in known if one.layer in kept]
    network_ms = _network_ms(model, threads)
    all_known = network_ms is not None and bool(kept) and not kept & set(unknown)
    return LowRankOutlook(
        step=step,
        method=method.key,
        threads=threads,
        layers=tuple(known),
        not_measured=tuple(unknown),
        macs_ceiling=_macs_ceiling(model, kept),
        network_ms=network_ms,
        time_ceiling=_ceiling(layers, network_ms) if all_known else None,
        expected_speedup=_expected(layers, network_ms) if all_known else None,
    )


def measure(
    method: Method,
    model: LoadedModel,
    settings: Any,
    *,
    budget_s: float,
    threads: int = THREADS,
    again: bool = False,
) -> Generator[Progress, None, None]:
    """Time a network's layers against their factors, and the network, where not done before.

    Parameters
    ----------
    method, model, settings
        As `outlook`.
    budget_s
        Seconds; behind them nothing is begun.
    threads
        Within one operator.
    again
        Whether to measure what was measured before, too.

    Raises
    ------
    InputError
        If a pattern of the settings matches no layer.
    """
    settings, deadline_s = method.resolved(model, settings), time.monotonic() + budget_s
    wanted = _wanted(method, model, settings)
    yield from measure_all(wanted, threads=threads, budget_s=budget_s, again=again)
    is_new = again or _network_ms(model, threads) is None
    if wanted and is_new and time.monotonic() < deadline_s:
        yield from _measure_network(model, threads, deadline_s)


def _wanted(method: Method, model: LoadedModel, settings: Any) -> list[tuple[Contest, int | None]]:
    """Return the layers a method could change, each with the rank it would get if that is known."""
    planned = method.candidates(model, settings)
    layers = {name: layer for name, (layer, _) in planned.items()}
    guessed = method.waits_for_values(settings)
    found: list[tuple[Contest, int | None]] = []
    for contest in contests(method, model, settings, layers) if layers else ():
        rank = method.rank_of(contest.layer, planned[contest.name][1])
        found.append((contest, None if guessed else rank))
    return found


def _measure_network(
    model: LoadedModel, threads: int, deadline_s: float
) -> Generator[Progress, None, None]:
    yield Progress(message="Timing the whole network")
    try:
        graph = onnx_graph(with_any_values(model.network()), model.input_shape)
    except EmoStudioError:  # such as early exits: no ceiling by time then
        return
    shape = model.input_shape
    found = yield from time_interleaved({_NETWORK: graph}, shape, threads, deadline_s)
    times = sorted(found[_NETWORK])
    kept = LayerTimes(
        machine=layer_times.machine_words(),
        threads=threads,
        geometry=_network_words(model),
        dense_ms=times[len(times) // 2],
        times=(),
    )
    layer_times.keep(kept, _NETWORK)


def _network_ms(model: LoadedModel, threads: int) -> float | None:
    if not layer_times.any_kept() or model.module is None:
        return None
    times = layer_times.recall(_network_words(model), _NETWORK, threads)
    return None if times is None else times.dense_ms


def _network_words(model: LoadedModel) -> str:
    return f"{model.network()!r} on {model.input_shape}"


def _macs_ceiling(model: LoadedModel, kept: set[str]) -> float | None:
    if model.module is None:
        return None
    costs = complexity.count(skeleton(model).network(), model.input_shape)
    rest = sum(cost.macs for cost in costs if cost.name not in kept)
    return complexity.total_macs(costs) / rest if rest else None


def _ceiling(layers: list[LayerBreakEven], network_ms: float | None) -> float | None:
    return _speedup(network_ms, sum(layer.dense_ms for layer in layers))


def _expected(layers: list[LayerBreakEven], network_ms: float | None) -> float | None:
    """Return the speed-up of the network if each layer takes the share that was measured."""
    saved = [
        layer.dense_ms * (1 - layer.planned_share)
        for layer in layers
        if layer.planned_share is not None
    ]
    return _speedup(network_ms, sum(saved)) if len(saved) == len(layers) else None


def _speedup(network_ms: float | None, saved_ms: float) -> float | None:
    """Return by how much a network gets faster that saves so much of its time.

    None where the layers alone took longer than the network: it was not the same machine.
    """
    if network_ms is None or saved_ms >= network_ms:
        return None
    return network_ms / (network_ms - saved_ms)
