"""What INT8 methods share: folding, placing the grids, and the exchange itself."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import torch
from torch import nn

from emostudio.compression import folding, rules
from emostudio.compression.base import QUANTISED, ApplyContext, Method, Planned, PlannedTraining
from emostudio.compression.calibration import (
    Ranges,
    Site,
    calibration_inputs,
    compared,
    observed_ranges,
)
from emostudio.compression.coding import int8
from emostudio.compression.quantisation_layout import Layout, QuantisationSettings, lay_out
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
from emostudio.models.loaded import CodedTensor, LoadedModel


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
