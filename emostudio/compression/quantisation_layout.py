"""Which layers become INT8, and where values are rounded between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from emostudio.compression import folding, rules
from emostudio.compression.base import Method, SkippedLayer
from emostudio.compression.calibration import Site
from emostudio.compression.fine_tuning import LayerSettings
from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import WeightHolder, WeightLayer, weight_layers
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel

_PASSED_LAYERS = (nn.ReLU, nn.MaxPool2d, nn.Dropout, nn.Dropout2d, nn.Flatten, nn.Identity)
_PASSED_FUNCTIONS = frozenset({"cat", "relu", "max_pool2d", "flatten", "dropout"})


class QuantisationSettings(LayerSettings):
    """Which layers become INT8, and from what their ranges come."""

    calibration: Literal["minmax", "percentile"] = setting(
        "percentile",
        title="Ranges of activations",
        help="From averaged extremes, or from 99.99 % of the values, which ignores outliers.",
    )
    calibration_images: int = setting(
        300,
        title="Calibration faces",
        help="Training images from which the ranges of activations are taken.",
        unit="images",
        low=1,
        high=10_000,
    )
    reduce_range: bool = setting(
        False,
        title="7-bit weights",
        help="For x86 processors without VNNI, whose 16-bit sums overflow with 8-bit weights.",
        advanced=True,
    )
    keep_first: bool = setting(
        False, title="First layer in float", help="Leave the first weight layer as it is."
    )
    keep_last: bool = setting(
        False, title="Last layer in float", help="Leave the last weight layer as it is."
    )


@dataclass(frozen=True)
class Layout:
    """What becomes of a network.

    Attributes
    ----------
    layers
        Convolutions and linear layers that become INT8.
    holders
        Special layers whose values become 8-bit codes while their arithmetic stays float.
    norms
        Layer to the BatchNorm folded into it.
    meets
        Layer to those it feeds directly, whose common grid its output is rounded to.
    own_output
        Layers whose output has a grid of its own.
    after_relu
        Of these, the ones a ReLU follows.
    skipped
        Layers left alone.
    """

    layers: dict[str, nn.Conv2d | nn.Linear]
    holders: dict[str, WeightHolder]
    norms: dict[str, str]
    meets: dict[str, frozenset[str]]
    own_output: frozenset[str]
    after_relu: frozenset[str]
    skipped: tuple[SkippedLayer, ...]

    def rounds_output(self, name: str) -> bool:
        """Whether the layer's output is rounded to 8 bits at once."""
        return name in self.meets or name in self.own_output

    def sites(self) -> set[Site]:
        """Return where ranges of activations are needed."""
        inputs = {(name, "input") for name in self.layers}
        return inputs | {(name, "output") for name in self.own_output}


def lay_out(method: Method[Any], model: LoadedModel, settings: QuantisationSettings) -> Layout:
    """Decide what becomes of each layer; reads no values.

    Raises
    ------
    InputError
        If the network cannot be traced, or a pattern matches nothing.
    """
    selection = rules.select(method, model, settings)
    if not selection.layers:
        return Layout({}, {}, {}, {}, frozenset(), frozenset(), selection.skipped)
    chosen, kept = _without_ends(selection.layers, model.network(), settings)
    layers = {k: v for k, v in chosen.items() if isinstance(v, nn.Conv2d | nn.Linear)}
    holders = {k: v for k, v in chosen.items() if isinstance(v, WeightHolder)}
    pairs = folding.foldable(model.network())
    norms = {name: pairs[name] for name in layers if name in pairs}
    walks = _Walks(model.network(), layers, set(norms.values()))
    meets = {name: found for name in layers if (found := walks.consumers(name))}
    own = {
        name for name, layer in layers.items() if name not in meets and isinstance(layer, nn.Conv2d)
    }
    relus = frozenset(name for name in own if walks.is_rectified(name))
    return Layout(layers, holders, norms, meets, frozenset(own), relus, (*selection.skipped, *kept))


class _Walks:
    """Follows outputs through layers that hand values on as they are."""

    def __init__(
        self, module: nn.Module, targets: Mapping[str, nn.Module], folded: set[str]
    ) -> None:
        self._graph, self._modules = LayerGraph(module), dict(module.named_modules())
        self._targets, self._folded = targets, folded

    def consumers(self, name: str) -> frozenset[str]:
        """Return the INT8 layers that alone get the output; none if others get it too."""
        found: set[str] = set()
        open_ends = [name]
        while open_ends:
            for user in self._graph.after(open_ends.pop()):
                if user in self._targets:
                    found.add(user)
                elif self._hands_on(user):
                    open_ends.append(user)
                else:
                    return frozenset()
        return frozenset(found)

    def is_rectified(self, name: str) -> bool:
        """Whether a ReLU alone gets the output."""
        users = self._graph.after(name)
        if len(users) == 1 and users[0] in self._folded:
            users = self._graph.after(users[0])
        if len(users) != 1:
            return False
        return isinstance(self._modules.get(users[0]), nn.ReLU) or _plain(users[0]) == "relu"

    def _hands_on(self, name: str) -> bool:
        if name in self._folded or isinstance(self._modules.get(name), _PASSED_LAYERS):
            return True
        return _plain(name) in _PASSED_FUNCTIONS


def _plain(name: str) -> str:
    return re.sub(r"_\d+$", "", name[1:-1]) if name.startswith("<") else ""


def _without_ends(
    chosen: dict[str, WeightLayer], network: nn.Module, settings: QuantisationSettings
) -> tuple[dict[str, WeightLayer], list[SkippedLayer]]:
    names = list(weight_layers(network))
    ends = {names[0]} if settings.keep_first else set()
    ends |= {names[-1]} if settings.keep_last else set()
    kept = [SkippedLayer(name, "first/last layer stays fp32") for name in chosen if name in ends]
    return {name: layer for name, layer in chosen.items() if name not in ends}, kept
