"""What INT8 methods share: choosing layers, folding, placing the grids, and the exchange itself."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from emostudio.compression import folding, rules
from emostudio.compression.base import (
    QUANTISED,
    ApplyContext,
    Method,
    Planned,
    PlannedTraining,
    SkippedLayer,
)
from emostudio.compression.calibration import (
    Ranges,
    Site,
    calibration_inputs,
    compared,
    observed_ranges,
)
from emostudio.compression.coding import int8
from emostudio.compression.fine_tuning import LayerSettings
from emostudio.compression.graph import LayerGraph
from emostudio.compression.quantised_layers import affine, quantised_layer
from emostudio.compression.surgery import (
    WeightHolder,
    WeightLayer,
    replace_layer,
    set_tensor_values,
    skeleton,
    weight_layers,
    with_coded,
    with_structure,
)
from emostudio.core.errors import InputError
from emostudio.core.events import Event
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import CodedTensor, LoadedModel

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


def planned(
    method: Method[Any],
    model: LoadedModel,
    settings: QuantisationSettings,
    trainings: tuple[PlannedTraining, ...] = (),
) -> Planned:
    """Return the INT8 network without values; the bytes are exact."""
    layout = lay_out(method, model, settings)
    bare = skeleton(model)
    if bare.module is not None:
        folding.fold(bare.network(), layout.norms)
    notes = (f"{len(layout.norms)} batch normalisations are folded",) if layout.norms else ()
    return Planned(
        model=exchanged(method, bare, layout, bit_width_of(settings), None),
        trainings=trainings,
        layers=(*layout.layers, *layout.holders),
        notes=notes,
        skipped=layout.skipped,
    )


def quantised(
    method: Method[Any],
    model: LoadedModel,
    settings: QuantisationSettings,
    context: ApplyContext,
    trained: Ranges | None = None,
) -> Generator[Event, None, LoadedModel]:
    """Return the INT8 form of `model`, whose network is changed.

    Parameters
    ----------
    method
        Whose records are written.
    model
        A copy.
    settings, context
        Of the step.
    trained
        Ranges of inputs learned in training, which replace the calibrated ones.
    """
    layout = lay_out(method, model, settings)
    inputs = calibration_inputs(model, settings.calibration_images, context)
    folding.fold(model.network(), layout.norms)
    model.network().eval()
    ranges = yield from observed_ranges(
        model.network(), layout.sites(), inputs, settings.calibration, context.job.report
    )
    grids = _grids(layout, {**ranges, **(trained or {})})
    before = model.copy().network()
    result = exchanged(method, model, layout, bit_width_of(settings), grids)
    return (yield from compared(before, result, tuple(layout.layers), inputs))


def exchanged(
    method: Method[Any],
    model: LoadedModel,
    layout: Layout,
    bit_width: int,
    grids: Mapping[Site, tuple[float, int]] | None,
) -> LoadedModel:
    """Put INT8 layers into a folded network, with values where `grids` are given."""
    coded = {}
    for name in layout.layers:
        layer: Any = model.network().get_submodule(name)
        arguments = {
            "bit_width": bit_width,
            "bias": layer.bias is not None,
            "rounds_output": layout.rounds_output(name),
        }
        new, coded[f"{name}.weight"] = _int8_layer(name, layer, arguments, grids)
        replace_layer(model.network(), name, new.train(layer.training))
        model = with_structure(
            model, StructureRecord(layer=name, method=method.key, arguments=arguments)
        )
        if name in layout.norms:
            record = StructureRecord(
                layer=layout.norms[name], method=method.key, arguments={"folded": True}
            )
            model = with_structure(model, record)
    for name, holder in layout.holders.items():
        if grids is None:
            shape = tuple(holder.weight.shape)
            coded[f"{name}.weight"] = int8.plan_int8(shape, bit_width, per_channel=False)
        else:
            held = weight_layers(model.network())[name]
            coded[f"{name}.weight"] = _round_holder(held, bit_width)
    return with_coded(model, coded)


def _int8_layer(
    name: str,
    layer: Any,
    arguments: Mapping[str, Any],
    grids: Mapping[Site, tuple[float, int]] | None,
) -> tuple[Any, CodedTensor]:
    """Return the INT8 form of a layer, and how its weights are stored."""
    bit_width = arguments["bit_width"]
    with torch.device("meta" if grids is None else "cpu"):
        new: Any = rebuilt(layer, arguments)
    if grids is None:
        return new, int8.plan_int8(layer.weight.shape, bit_width)
    coded = _fill(new, layer, bit_width)
    for side in ("input", "output") if new.rounds_output else ("input",):
        new.set_grid(side, grids[name, side])
    new.round_bias()
    return new, coded


def _round_holder(holder: WeightLayer, bit_width: int) -> CodedTensor:
    """Round the values of a special layer in place; returns how they are stored."""
    values = holder.weight.detach().cpu().numpy()
    codes, scales = int8.quantise(values, bit_width, per_channel=False)
    set_tensor_values(holder, int8.dequantise(codes, scales).reshape(-1))
    return int8.encode_int8(codes, scales, bit_width)


def rebuilt(layer: nn.Module, arguments: Mapping[str, Any]) -> nn.Module:
    """Return what a record of an INT8 method stands for, without values.

    Raises
    ------
    InputError
        If the record is damaged or forged.
    """
    if dict(arguments) == {"folded": True} and isinstance(layer, folding.BatchNorm):
        return nn.Identity()
    bit_width, bias = arguments.get("bit_width"), arguments.get("bias")
    rounds_output = arguments.get("rounds_output")
    sound = type(bit_width) is int and bit_width in (7, 8)
    if not sound or not isinstance(bias, bool) or not isinstance(rounds_output, bool):
        raise InputError(
            "An INT8 layer cannot be rebuilt",
            why=f"its description {dict(arguments)!r} is damaged",
            next_step="Get a fresh copy of the file",
        )
    return quantised_layer(layer, int(bit_width or 8), bias=bias, rounds_output=rounds_output)


def why_refused(layer: nn.Module) -> str:
    """Return why a layer cannot become INT8, or nothing."""
    if isinstance(layer, nn.Conv2d) and layer.padding_mode != "zeros":
        return "INT8 convolutions pad with zeros only"
    if isinstance(layer, WeightHolder) and layer.weight.ndim == 0:
        return "a single value gains nothing from 8 bits"
    return ""


class QuantisationMethod(Method[Any]):
    """What both INT8 methods promise."""

    family = rules.QUANTISATION
    leaves = frozenset({QUANTISED})
    calibrates = True

    def refuses(self, name: str, layer: nn.Module, settings: QuantisationSettings) -> str:
        """Return why `layer` cannot become INT8, or nothing."""
        del name, settings
        return why_refused(layer)

    def plan(self, model: LoadedModel, settings: QuantisationSettings) -> Planned:
        """Predict the INT8 network and its exact bytes."""
        return planned(self, model, settings, self.trainings(model, settings))

    def trainings(self, model: LoadedModel, settings: Any) -> tuple[PlannedTraining, ...]:
        """Return what is trained before the rounding: nothing."""
        del model, settings
        return ()

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return the INT8 layer, or an Identity for a folded batch normalisation."""
        return rebuilt(layer, arguments)


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


def bit_width_of(settings: QuantisationSettings) -> int:
    """Return the bits of a weight: 8, or 7 where ranges are reduced."""
    return 7 if settings.reduce_range else 8


def _fill(new: Any, layer: Any, bit_width: int) -> CodedTensor:
    codes, scales = int8.quantise(layer.weight.detach().cpu().numpy(), bit_width)
    set_tensor_values(new, int8.dequantise(codes, scales))
    if layer.bias is not None:
        with torch.no_grad():
            new.bias.copy_(layer.bias)
    return int8.encode_int8(codes, scales, bit_width)


def _grids(layout: Layout, ranges: Ranges) -> dict[Site, tuple[float, int]]:
    """Return the grid of each site; layers that meet one output share theirs."""
    joined: dict[str, set[str]] = {name: {name} for name in layout.layers}
    for group in layout.meets.values():
        together = set[str]().union(*(joined[name] for name in group))
        for name in together:
            joined[name] = together
    grids: dict[Site, tuple[float, int]] = {}
    for name, members in joined.items():
        lows, highs = zip(*(ranges[member, "input"] for member in members), strict=True)
        grids[name, "input"] = affine(min(lows), max(highs))
    for name, met in layout.meets.items():
        grids[name, "output"] = grids[min(met), "input"]
    for name in layout.own_output:
        low, high = ranges[name, "output"]
        grids[name, "output"] = affine(0.0 if name in layout.after_relu else low, high)
    return grids
