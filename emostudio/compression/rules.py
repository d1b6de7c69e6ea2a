"""Which layers a method may change: the composition table applied to a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from torch import nn

from emostudio.compression.base import Method, SkippedLayer
from emostudio.compression.catalogue import METHODS
from emostudio.compression.composition import (
    BINARISATION,
    CHANNEL_PRUNING,
    CODING,
    DECOMPOSITION,
    DISTILLATION,
    EARLY_EXITS,
    FIRST,
    HASHING,
    ORDER,
    PRUNING,
    QUANTISATION,
    REFUSALS,
    REQUIREMENTS,
    SHARING,
    TENSOR_TRAIN,
    WARNINGS,
)
from emostudio.compression.surgery import WeightLayer, matching, weight_layers
from emostudio.models.loaded import CodedTensor, LoadedModel

__all__ = [
    "BINARISATION",
    "CHANNEL_PRUNING",
    "CODING",
    "DECOMPOSITION",
    "DISTILLATION",
    "EARLY_EXITS",
    "FIRST",
    "HASHING",
    "ORDER",
    "PRUNING",
    "QUANTISATION",
    "REFUSALS",
    "REQUIREMENTS",
    "SHARING",
    "TENSOR_TRAIN",
    "WARNINGS",
    "Selection",
    "applicable_methods",
    "refusal",
    "select",
    "traits",
]


@dataclass(frozen=True)
class Selection:
    """The layers a method will change, those it will not, and remarks."""

    layers: dict[str, WeightLayer]
    skipped: tuple[SkippedLayer, ...]
    warnings: tuple[str, ...] = ()


def traits(model: LoadedModel) -> dict[str, frozenset[str]]:
    """Return what each weight layer of a model has become; changes of the whole leave none."""
    found: dict[str, frozenset[str]] = {}
    if model.module is None:
        return found
    for name in weight_layers(model.module):
        here = _coded_traits(model.coded.get(f"{name}.weight"))
        for record in model.info.structure:
            if record.layer and (name == record.layer or name.startswith(f"{record.layer}.")):
                here |= METHODS.get(record.method).leaves
        found[name] = here
    return found


def refusal(method: Method[Any], layer_traits: frozenset[str]) -> str:
    """Return why a method's family may not follow what a layer has become, or nothing."""
    for trait in sorted(layer_traits):
        reason = REFUSALS.get((method.family, trait))
        if reason:
            return reason
    needed, reason = REQUIREMENTS.get(method.family, (frozenset(), ""))
    return reason if needed and not needed & layer_traits else ""


def select(method: Method[Any], model: LoadedModel, settings: BaseModel) -> Selection:
    """Choose the layers a method will change.

    Parameters
    ----------
    method
        The method, asked through `Method.refuses`.
    model
        A model or its skeleton.
    settings
        The method's settings; a field `layers`, if any, holds the user's patterns.

    Returns
    -------
    A layer the user did not ask for is neither chosen nor skipped.

    Raises
    ------
    InputError
        If a pattern of the user matches no layer.
    """
    if model.module is None:
        return Selection({}, (SkippedLayer("", "only the outputs of a black box are known"),))
    layers = weight_layers(model.module)
    wanted = matching(layers, getattr(settings, "layers", ""))
    found = traits(model)
    late = _wrong_order(method, [found[name] for name in layers if name in wanted])
    if late:
        return Selection({}, (SkippedLayer("", late),))
    chosen: dict[str, WeightLayer] = {}
    skipped: list[SkippedLayer] = []
    for name, layer in layers.items():
        if name not in wanted:
            continue
        reason = refusal(method, found[name]) or method.refuses(name, layer, settings)
        if reason:
            skipped.append(SkippedLayer(name, reason))
        else:
            chosen[name] = layer
    return Selection(chosen, tuple(skipped), _warnings(method, found, chosen))


def applicable_methods(model: LoadedModel) -> dict[str, tuple[str, ...]]:
    """Return, per layer, the keys of the methods that could be applied to it as it is."""
    if model.module is None:
        return {}
    found = traits(model)
    return {
        name: tuple(
            key
            for key, method in METHODS.members().items()
            if _could_change(method, name, layer, found[name])
        )
        for name, layer in weight_layers(model.module).items()
    }


def _could_change(
    method: Method[Any], name: str, layer: nn.Module, layer_traits: frozenset[str]
) -> bool:
    if not method.needs_layers:
        return False
    try:
        settings = method.settings_type()
    except ValidationError:  # a method without defaults cannot be judged before it is set up
        return False
    if method.expand(settings):
        return False
    return not (refusal(method, layer_traits) or method.refuses(name, layer, settings))


def _wrong_order(method: Method[Any], present: list[frozenset[str]]) -> str:
    pairs = sorted((method.family, trait) for traits_here in present for trait in traits_here)
    return next((REFUSALS[pair] for pair in pairs if pair in ORDER), "")


def _coded_traits(coded: CodedTensor | None) -> frozenset[str]:
    return frozenset() if coded is None else frozenset(coded.header.get("traits", ()))


def _warnings(
    method: Method[Any], found: dict[str, frozenset[str]], chosen: dict[str, WeightLayer]
) -> tuple[str, ...]:
    present = {trait for name in chosen for trait in found[name]}
    return tuple(
        sorted(
            WARNINGS[method.family, trait]
            for trait in present
            if (method.family, trait) in WARNINGS
        )
    )
