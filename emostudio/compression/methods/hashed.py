"""HashedNets: all weights of a layer share few buckets, chosen by a hash of their place.

Use it where fully connected layers fill the file: at one eighth, every weight costs 4 bits and no
index is stored. The values have to be trained; nothing gets faster by itself, and in the survey's
way of running it (rebuilding the matrix at each call) it is several times slower.

References
----------
.. [1] Chen et al., "Compressing neural networks with the hashing trick", ICML 2015,
   arXiv:1504.04788.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import Any, Literal

import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import HASHED, ApplyContext, Method, Planned
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.hashing import MODES, HashedConv2d, HashedLinear, HashedMatrix
from emostudio.compression.surgery import (
    WeightLayer,
    replace_layer,
    skeleton,
    with_structure,
    without_coded,
)
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel

_MOST = 2**31 - 2


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


class Hashed(Method[HashedSettings]):
    """Replaces fully connected layers by buckets and a hash."""

    key = "hashed"
    title = "HashedNets"
    family = rules.HASHING
    summary = "Share weights by a hash of their place; smaller file, dense arithmetic."
    reference = "Chen et al., ICML 2015, arXiv:1504.04788"
    settings_type = HashedSettings
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

    def plan(self, model: LoadedModel, settings: HashedSettings) -> Planned:
        """Predict the network with buckets in place of weights: sizes are exact.

        Raises
        ------
        InputError
            If the network has no fully connected layer.
        """
        selection = rules.select(self, model, settings)
        if not settings.convolutions and not _has_linear(model):
            raise InputError("no fully connected layer in this network")
        planned, notes = skeleton(model), []
        for name, layer in selection.layers.items():
            arguments = _arguments(layer, settings)
            with torch.device("meta"):
                replace_layer(planned.network(), name, self.rebuild(layer, arguments))
            planned = _recorded(planned, name, arguments)
            notes.append(f"{name}: {arguments['buckets']:,} buckets for {layer.weight.numel():,}")
        return Planned(
            model=planned,
            trainings=planned_training(settings),
            layers=tuple(selection.layers),
            notes=tuple(notes),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: HashedSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Hash a copy of `model` layer by layer, then train it."""
        result = model.copy()
        selection = rules.select(self, result, settings)
        generator = torch.Generator().manual_seed(context.job.seed)
        for number, (name, layer) in enumerate(selection.layers.items()):
            share = number / len(selection.layers)
            yield Progress(fraction=share, message=f"Hashing {name}")
            context.job.report(share, f"Hashing {name}")
            arguments = _arguments(layer, settings)
            hashed = self.rebuild(layer, arguments).train(layer.training)
            _start(hashed, layer, settings, generator)
            replace_layer(result.network(), name, hashed)
            result = _recorded(result, name, arguments)
        if settings.epochs:
            packed = result.coded.keys()
            yield from fine_tune(result.network(), result.info, settings, context, fixed=packed)
        else:
            yield Note(
                level="warning",
                what="Hashed layers were not trained",
                next_step="Give the step some epochs; without them the network knows little",
            )
        return result

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
        return HashedLinear((layer.out_features, layer.in_features), buckets, biases, **further)


def _is_count(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _has_linear(model: LoadedModel) -> bool:
    layers = () if model.module is None else model.module.modules()
    return any(isinstance(layer, nn.Linear | HashedMatrix) for layer in layers)


def _arguments(layer: WeightLayer, settings: HashedSettings) -> dict[str, Any]:
    """Return what the record of a layer says: all that the file needs besides the buckets."""
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    count = 0 if bias is None else bias.numel()
    hashed_bias = math.ceil(count * settings.compression) if settings.hash_bias else count
    return {
        "buckets": math.ceil(layer.weight.numel() * settings.compression),
        "bias_buckets": hashed_bias,
        "seed": settings.hash_seed,
        "signed": settings.signed,
        "mode": settings.mode,
        "rescaled": settings.rescale == "sqrt",
    }


def _start(
    hashed: HashedMatrix, layer: WeightLayer, settings: HashedSettings, generator: torch.Generator
) -> None:
    """Give the buckets their first values."""
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    with torch.no_grad():
        if settings.start == "projection":
            hashed.project(layer.weight.detach().cpu())
            if bias is not None:
                hashed.project_bias(bias.detach().cpu())
            return
        bound = 1.0 / math.sqrt(hashed.shape[1])
        for parameter in hashed.parameters():
            values = torch.rand(parameter.shape, generator=generator)
            parameter.copy_((2.0 * values - 1.0) * bound)


def _recorded(model: LoadedModel, name: str, arguments: dict[str, Any]) -> LoadedModel:
    record = StructureRecord(layer=name, method=Hashed.key, arguments=arguments)
    return without_coded(with_structure(model, record), f"{name}.weight")


METHOD = Hashed()
