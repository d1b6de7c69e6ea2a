"""HashedNets: all weights of a layer share few buckets, chosen by a hash of their place.

Use it where fully connected layers fill the file: at one eighth, every weight costs 4 bits and no
index is stored. The values have to be trained. With the survey's general hash nothing gets faster,
and in its way of running it (rebuilding the matrix at each call) it is several times slower. Where
only a few rows share buckets, layers train as fast as dense ones; where rows share one signed
permutation, they become as much faster as they become smaller.

References
----------
.. [1] Chen et al., "Compressing neural networks with the hashing trick", ICML 2015,
   arXiv:1504.04788.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import HASHED
from emostudio.compression.fine_tuning import FineTuneSettings
from emostudio.compression.hashing import MODES, HashedConv2d, HashedLinear, HashedMatrix
from emostudio.compression.local_hashing import LocalHashedLinear
from emostudio.compression.replacement import ReplacementMethod, bias_of
from emostudio.compression.row_hashing import RowHashedLinear, row_buckets
from emostudio.compression.surgery import WeightLayer
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError
from emostudio.core.machine_card import SIZE_ONLY
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel

_MOST = 2**31 - 2
_PATTERNS: Mapping[str, type[HashedLinear]] = {
    "general": HashedLinear,
    "local": LocalHashedLinear,
    "rows": RowHashedLinear,
}


class HashedSettings(FineTuneSettings):
    """How few buckets, what they begin with, and how the layers run."""

    layers: str = setting(
        "all",
        title="Layers",
        help="Layer names or wildcards; all takes every fully connected layer.",
    )
    compression: float = setting(
        0.125,
        title="Buckets per weight",
        help="Stored weights as a share of the virtual ones; the survey's is one eighth.",
        low=0.001,
        high=1.0,
    )
    pattern: Literal["local", "general", "rows"] = setting(
        "local",
        title="Who shares",
        help="Local: any weight with any other of the same few rows; linear layers train about as "
        "fast as dense ones. General: with any other of the layer, as the survey; several times "
        "slower. Rows: columns share, the same in every row; linear layers fold their input first "
        "and train and run several times faster.",
    )
    mode: Literal["materialise", "rebuild", "tiles"] = setting(
        "materialise",
        title="Runs by",
        help="Materialise builds the matrix once (fast, dense memory); rebuild at every call, as "
        "the survey (slow); tiles row by row (slow, small memory). ONNX Runtime always "
        "materialises.",
    )
    start: Literal["random", "projection"] = setting(
        "random",
        title="Start",
        help="Random buckets, or the least-squares projection of the trained layer, which keeps "
        "little of it.",
    )
    hash_bias: bool = setting(
        True, title="Hash biases", help="Share biases as well, as the survey.", advanced=True
    )
    signed: bool = setting(
        True,
        title="Sign hash",
        help="Let the hash decide a sign too, so that errors cancel.",
        advanced=True,
    )
    hash_seed: int = setting(
        1691, title="Hash seed", help="Decides who shares.", low=0, high=2**32 - 1, advanced=True
    )
    rescale: Literal["none", "sqrt"] = setting(
        "none",
        title="Gradient of a bucket",
        help="The sum over its members, or that divided by the root of their number.",
        advanced=True,
    )
    convolutions: bool = setting(
        False,
        title="Hash convolutions",
        help="Experimental: hash flattened kernels too; the survey leaves them alone.",
        advanced=True,
    )
    epochs: int = setting(
        60,
        title="Training epochs",
        help="Passes over the training images; hashed layers know next to nothing without.",
        low=0,
        high=1000,
    )
    learning_rate: float = setting(
        5e-3,
        title="Learning rate",
        help="Half of the first training's, because a bucket sums its members' gradients.",
        low=1e-7,
        high=1.0,
    )


class Hashed(ReplacementMethod[HashedSettings]):
    """Replaces fully connected layers by buckets and a hash."""

    key = "hashed"
    title = "HashedNets"
    family = rules.HASHING
    summary = "Share weights by a hash of their place; smaller file; faster only where rows share."
    reference = "Chen et al., ICML 2015, arXiv:1504.04788"
    settings_type = HashedSettings
    decided_by = SIZE_ONLY
    claim = ClaimInfo(smaller=64.0, baseline="networks of the same size on MNIST", source="Table 1")
    leaves = frozenset({HASHED})

    def refuses(self, name: str, layer: nn.Module, settings: HashedSettings) -> str:
        """Return why `layer` cannot be hashed, or nothing."""
        del name
        if isinstance(layer, nn.Conv2d):
            if not settings.convolutions:
                return "convolutions are left alone unless hashing them is switched on"
            if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
                return "only numeric zero padding is known"
        elif not isinstance(layer, nn.Linear):
            return "layer has no dense weight"
        if layer.weight.numel() > _MOST:
            return "the layer has more weights than the hash counts"
        return ""

    def chosen(self, model: LoadedModel, settings: HashedSettings) -> rules.Selection:
        """Return the layers that are hashed.

        Raises
        ------
        InputError
            If the network has no fully connected layer.
        """
        selection = rules.select(self, model, settings)
        if not settings.convolutions and not _has_linear(model):
            raise InputError("no fully connected layer in this network")
        return selection

    def arguments(self, layer: WeightLayer, settings: HashedSettings) -> dict[str, Any]:
        """Return all that the file needs besides the buckets."""
        bias = bias_of(layer)
        count = 0 if bias is None else bias.numel()
        hashed_bias = math.ceil(count * settings.compression) if settings.hash_bias else count
        rows, share = len(layer.weight), settings.compression
        pattern = settings.pattern if isinstance(layer, nn.Linear) else "general"
        buckets = math.ceil(layer.weight.numel() * share)
        if pattern == "rows":
            buckets = row_buckets(rows, layer.weight.numel() // rows, share)
        return {
            "buckets": buckets,
            "pattern": pattern,
            "bias_buckets": hashed_bias,
            "seed": settings.hash_seed,
            "signed": settings.signed,
            "mode": settings.mode,
            "rescaled": settings.rescale == "sqrt",
        }

    def note(
        self,
        name: str,
        layer: WeightLayer,
        arguments: dict[str, Any],
        settings: HashedSettings,
    ) -> str:
        """Return how many buckets stand for how many weights."""
        del settings
        return f"{name}: {arguments['buckets']:,} buckets for {layer.weight.numel():,}"

    def start(
        self,
        new: nn.Module,
        layer: WeightLayer,
        settings: HashedSettings,
        generator: torch.Generator,
    ) -> None:
        """Draw the buckets, or project the trained layer onto them."""
        if not isinstance(new, HashedMatrix):
            raise TypeError("only hashed layers have buckets")
        bias = bias_of(layer)
        with torch.no_grad():
            if settings.start == "projection":
                new.project(layer.weight.detach().cpu())
                if bias is not None:
                    new.project_bias(bias.detach().cpu())
                return
            bound = 1.0 / math.sqrt(new.shape[1])
            for parameter in new.parameters():
                values = torch.rand(parameter.shape, generator=generator)
                parameter.copy_((2.0 * values - 1.0) * bound)

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> HashedMatrix:
        """Return the hashed layer that stands for `layer`, without values."""
        count, bias = arguments.get("buckets"), arguments.get("bias_buckets")
        seed, mode = arguments.get("seed"), arguments.get("mode")
        rows = layer.out_channels if isinstance(layer, nn.Conv2d) else 0
        rows = layer.out_features if isinstance(layer, nn.Linear) else rows
        valid = (
            _is_count(count, 1, _MOST)
            and _is_count(bias, 0, rows)
            and _is_count(seed, 0, 2**32 - 1)
            and mode in MODES
        )
        if not valid or not isinstance(layer, nn.Conv2d | nn.Linear):
            raise InputError("A hashed layer cannot be rebuilt", why=f"it is {arguments!r}"[:200])
        further: Mapping[str, Any] = {
            "seed": seed,
            "mode": mode,
            "signed": bool(arguments.get("signed", True)),
            "rescaled": bool(arguments.get("rescaled", False)),
        }
        buckets, biases = int(count or 0), int(bias or 0)
        if isinstance(layer, nn.Conv2d):
            return HashedConv2d(layer, buckets, biases, **further)
        shape = (layer.out_features, layer.in_features)
        return _linear_kind(shape, buckets, arguments)(shape, buckets, biases, **further)


def _linear_kind(
    shape: tuple[int, int], buckets: int, arguments: dict[str, Any]
) -> type[HashedLinear]:
    """Return the layer of a pattern, where its rows can share so many buckets."""
    pattern = str(arguments.get("pattern", "general"))
    kind, why = _PATTERNS.get(pattern), ""
    if kind is None:
        why = f"no pattern is called {pattern[:50]!r}"
    elif kind is RowHashedLinear and (buckets % shape[0] or buckets > math.prod(shape)):
        why = f"its rows cannot share {buckets} buckets"
    if kind is None or why:
        raise InputError("A hashed layer cannot be rebuilt", why=why)
    return kind


def _is_count(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _has_linear(model: LoadedModel) -> bool:
    layers = () if model.module is None else model.module.modules()
    return any(isinstance(layer, nn.Linear | HashedMatrix) for layer in layers)


METHOD = Hashed()
