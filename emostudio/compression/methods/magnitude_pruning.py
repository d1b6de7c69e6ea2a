"""Magnitude pruning: set the smallest weights to zero, little by little, while training goes on.

Use it where the file has to shrink: fully connected layers lose nine weights of ten with little
harm. The arithmetic of a dense engine stays the same, so nothing gets faster.

References
----------
.. [1] Han et al., "Learning both weights and connections for efficient neural networks",
   NeurIPS 2015, arXiv:1506.02626.
.. [2] Zhu and Gupta, "To prune, or not to prune", arXiv:1710.01878 (the cubic ramp).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Literal

import numpy as np
from scipy.special import ndtr
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import PRUNED, ApplyContext, Method, Planned
from emostudio.compression.coding import codecs
from emostudio.compression.dropout_correction import corrected_dropout
from emostudio.compression.fine_tuning import (
    FineTuneSettings,
    SparsitySettings,
    fine_tune,
    planned_training,
)
from emostudio.compression.pruning_ramp import PruningRamp, above_deviations
from emostudio.compression.surgery import (
    WeightLayer,
    skeleton,
    tensor_values,
    weight_layers,
    with_coded,
)
from emostudio.core.answers import ClaimInfo
from emostudio.core.events import Event
from emostudio.core.machine_card import SIZE_ONLY
from emostudio.core.settings import setting
from emostudio.models.loaded import CodedTensor, LoadedModel


class MagnitudePruningSettings(SparsitySettings, FineTuneSettings):
    """How much of each layer goes, and how gently."""

    rule: Literal["share", "deviation"] = setting(
        "share",
        title="Rule",
        help="Share drops a given share of each layer, so sizes are known beforehand; deviation "
        "drops what is smaller than so many standard deviations of the layer's weights.",
    )
    deviations_conv: float = setting(
        0.85,
        title="Deviations in convolutions",
        help="Threshold of the rule deviation, in standard deviations of the layer.",
        low=0.0,
        high=5.0,
        advanced=True,
    )
    deviations_linear: float = setting(
        1.65,
        title="Deviations in linear layers",
        help="As above, for fully connected layers.",
        low=0.0,
        high=5.0,
        advanced=True,
    )
    rounds: int = setting(
        1,
        title="Rounds",
        help="How often pruning and training take turns, each time for all the epochs; more "
        "rounds allow more zeros.",
        low=1,
        high=100,
    )
    dropout_correction: bool = setting(
        True,
        title="Less dropout",
        help="Lower dropout during the training by the root of the share of weights that is left.",
        advanced=True,
    )
    keep_first: float = setting(
        0.8,
        title="Kept in the first layer",
        help="Least share of the first layer's weights that stays; it is small and sensitive.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    keep_last: float = setting(
        0.75,
        title="Kept in the last layer",
        help="Least share of the last layer's weights that stays.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    ramp_share: float = setting(
        0.3,
        title="Ramp",
        help="Share of the training over which the zeros grow to their final number.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    refreshes: int = setting(
        20,
        title="Mask refreshes",
        help="How often along the ramp the weights to drop are chosen anew.",
        low=1,
        high=1000,
        advanced=True,
    )


class MagnitudePruning(Method[MagnitudePruningSettings]):
    """Prunes convolutions and linear layers; the file keeps a mask and the survivors."""

    key = "magnitude_pruning"
    title = "Magnitude pruning"
    family = rules.PRUNING
    summary = "Set the smallest weights to zero during a short training; smaller file, same speed."
    reference = "Han et al., NeurIPS 2015, arXiv:1506.02626"
    settings_type = MagnitudePruningSettings
    decided_by = SIZE_ONLY
    claim = ClaimInfo(smaller=9.0, baseline="AlexNet on ImageNet", source="Han et al. 2015")
    leaves = frozenset({PRUNED})
    codecs = (codecs.MASKED,)

    def refuses(self, name: str, layer: nn.Module, settings: MagnitudePruningSettings) -> str:
        """Return why `layer` cannot be pruned, or nothing."""
        del name
        wanted = _wanted(layer, settings)
        return "" if wanted > 0 else "nothing is to be pruned in layers of this kind"

    def plan(self, model: LoadedModel, settings: MagnitudePruningSettings) -> Planned:
        """Predict masks and survivors: their number is exact where it is a given share."""
        selection = rules.select(self, model, settings)
        shares = {
            name: _expected_share(layer, settings) for name, layer in selection.layers.items()
        }
        survivors = _survivors(model, selection.layers, shares, settings)
        coded: dict[str, CodedTensor] = {}
        for name, kept in survivors.items():
            layer = selection.layers[name]
            if _is_smaller(layer, kept):
                planned = codecs.plan_masked(kept, layer.weight.shape)
                coded[f"{name}.weight"] = planned
        exact = settings.rule == "share"
        total = sum(layer.weight.numel() for layer in selection.layers.values())
        kept_total = f"{sum(survivors.values()):,} of {total:,} weights are kept"
        guessed = f"about {kept_total}, if they are normally distributed"
        return Planned(
            model=with_coded(skeleton(model), coded),
            exact=exact,
            trainings=planned_training(settings) * settings.rounds,
            layers=tuple(selection.layers),
            notes=(kept_total if exact else guessed, *selection.warnings),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: MagnitudePruningSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Prune a copy of `model`, training while the zeros grow."""
        pruned = model.copy()
        layers = rules.select(self, pruned, settings).layers
        shares = {name: _found_share(layer, settings) for name, layer in layers.items()}
        survivors = _survivors(pruned, layers, shares, settings)
        ramp = PruningRamp(layers, settings.ramp_share, settings.refreshes)
        start: dict[str, int] = {}
        for name, layer in layers.items():
            packed = pruned.coded.get(f"{name}.weight")
            ramp.attach(name, codecs.survivor_mask(packed))
            start[name] = codecs.survivor_count(packed, layer.weight.numel())
        rounds = settings.rounds if settings.epochs else 1
        for number in range(1, rounds + 1):
            left = {
                name: start[name] - round(number / rounds * (start[name] - count))
                for name, count in survivors.items()
            }
            ramp.aim(left)
            if settings.epochs:
                inside = context.inside(f"round-{number}") if rounds > 1 else context
                yield from _train(pruned, layers, left, ramp, settings, inside)
            ramp.settle()
        coded = {}
        for name, layer in layers.items():
            mask = ramp.detach(name)
            if _is_smaller(layer, survivors[name]):
                packed = codecs.encode_masked(tensor_values(layer), mask, tuple(layer.weight.shape))
                coded[f"{name}.weight"] = packed
            context.job.report(1.0, f"Pruned {name}")
        return with_coded(pruned, coded)

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the values of a masked tensor."""
        return codecs.decode_masked(coded)


def _train(
    pruned: LoadedModel,
    layers: Mapping[str, WeightLayer],
    survivors: Mapping[str, int],
    ramp: PruningRamp,
    settings: MagnitudePruningSettings,
    context: ApplyContext,
) -> Generator[Event, None, None]:
    network = pruned.network()
    fixed = pruned.coded.keys() - {f"{name}.weight" for name in layers}
    kept = {name: survivors[name] / layer.weight.numel() for name, layer in layers.items()}
    with corrected_dropout(network, kept if settings.dropout_correction else {}):
        yield from fine_tune(
            network, pruned.info, settings, context, after_step=ramp.after_step, fixed=fixed
        )


def _is_smaller(layer: WeightLayer, survivors: int) -> bool:
    count = layer.weight.numel()
    return codecs.masked_bytes(count, survivors) < 4 * count


def _wanted(layer: nn.Module, settings: MagnitudePruningSettings) -> float:
    """Return the share of zeros, or the threshold in deviations, that the settings ask for."""
    is_conv = isinstance(layer, nn.Conv2d)
    if settings.rule == "deviation":
        return settings.deviations_conv if is_conv else settings.deviations_linear
    return settings.sparsity_conv if is_conv else settings.sparsity_linear


def _expected_share(layer: WeightLayer, settings: MagnitudePruningSettings) -> float:
    """Return the share that stays; for a threshold, that of normally distributed weights."""
    wanted = _wanted(layer, settings)
    return 1.0 - wanted if settings.rule == "share" else 2.0 * float(ndtr(-wanted))


def _found_share(layer: WeightLayer, settings: MagnitudePruningSettings) -> float:
    if settings.rule == "share":
        return _expected_share(layer, settings)
    return above_deviations(layer.weight, _wanted(layer, settings)) / layer.weight.numel()


def _survivors(
    model: LoadedModel,
    layers: Mapping[str, WeightLayer],
    shares: Mapping[str, float],
    settings: MagnitudePruningSettings,
) -> dict[str, int]:
    """Return how many weights each layer keeps: never none, and more in the outermost layers."""
    order = list(weight_layers(model.network())) if model.module is not None else []
    kept: dict[str, int] = {}
    for name, layer in layers.items():
        share = shares[name]
        if name == order[0]:
            share = max(share, settings.keep_first)
        if name == order[-1]:
            share = max(share, settings.keep_last)
        count = layer.weight.numel()
        already = codecs.survivor_count(model.coded.get(f"{name}.weight"), count)
        kept[name] = min(max(1, round(share * count)), already)
    return kept


METHOD = MagnitudePruning()
