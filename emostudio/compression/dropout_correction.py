"""Less dropout while a pruned network is trained: fewer connections need less regularisation.

The rates are put back afterwards. They matter in training alone and are not kept in files, so a
network that is loaded again has those of its architecture.

References
----------
.. [1] Han et al., "Learning both weights and connections for efficient neural networks",
   NeurIPS 2015, arXiv:1506.02626, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn

from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import layer_at, weight_layers
from emostudio.core.errors import InputError

_DROPOUTS = (nn.Dropout, nn.Dropout2d)


@contextmanager
def corrected_dropout(network: nn.Module, kept: Mapping[str, float]) -> Iterator[dict[str, float]]:
    """Lower every rate D to D sqrt(C / C_0) while the context lasts.

    Parameters
    ----------
    network
        Changed in place.
    kept
        Layer to the share of its weights that pruning leaves; layers not named keep all.

    Yields
    ------
    The rate of each dropout layer by path. C_0 counts the weights of the layers right in front of
    it, C those of them that are left. A network that cannot be traced keeps its rates.
    """
    before: dict[str, float] = {}
    for path, layer in network.named_modules():
        if isinstance(layer, _DROPOUTS):
            before[path] = layer.p
    rates = _rates(network, before, kept) if before else {}
    try:
        for path, rate in rates.items():
            _set(network, path, rate)
        yield {**before, **rates}
    finally:
        for path, rate in before.items():
            _set(network, path, rate)


def _rates(
    network: nn.Module, before: Mapping[str, float], kept: Mapping[str, float]
) -> dict[str, float]:
    try:
        graph = LayerGraph(network)
    except InputError:
        return {}
    counts = {name: layer.weight.numel() for name, layer in weight_layers(network).items()}
    rates: dict[str, float] = {}
    for path in before.keys() & set(graph.order()):
        feeds = _feeds(graph, path, counts)
        total = sum(counts[name] for name in feeds)
        left = sum(kept.get(name, 1.0) * counts[name] for name in feeds)
        if total:
            rates[path] = before[path] * math.sqrt(left / total)
    return rates


def _feeds(graph: LayerGraph, path: str, weighted: Mapping[str, int]) -> set[str]:
    """Return the layers with weights that are next in front of `path`, along every way."""
    found: set[str] = set()
    waiting, seen = [path], {path}
    while waiting:
        for name in graph.before(waiting.pop()):
            if name in weighted:
                found.add(name)
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return found


def _set(network: nn.Module, path: str, rate: float) -> None:
    layer = layer_at(network, path)
    if isinstance(layer, _DROPOUTS):
        layer.p = rate
