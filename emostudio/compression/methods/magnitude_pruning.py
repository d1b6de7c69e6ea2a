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

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import PRUNED, ApplyContext, Method, Planned
from emostudio.compression.coding import codecs
from emostudio.compression.fine_tuning import (
    FineTuneSettings,
    SparsitySettings,
    fine_tune,
    planned_training,
)
from emostudio.compression.surgery import (
    WeightLayer,
    set_tensor_values,
    skeleton,
    tensor_values,
    weight_layers,
    with_coded,
)
from emostudio.core.answers import ClaimInfo
from emostudio.core.events import Event
from emostudio.core.settings import setting
from emostudio.models.loaded import CodedTensor, LoadedModel

_MASK = "pruning_mask"


class MagnitudePruningSettings(SparsitySettings, FineTuneSettings):
    """How much of each layer goes, and how gently."""

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
    claim = ClaimInfo(smaller=9.0, baseline="AlexNet on ImageNet", source="Han et al. 2015")
    leaves = frozenset({PRUNED})
    codecs = (codecs.MASKED,)

    def refuses(self, name: str, layer: nn.Module, settings: MagnitudePruningSettings) -> str:
        """Return why `layer` cannot be pruned, or nothing."""
        del name
        wanted = (
            settings.sparsity_conv if isinstance(layer, nn.Conv2d) else settings.sparsity_linear
        )
        return "" if wanted > 0 else "nothing is to be pruned in layers of this kind"

    def plan(self, model: LoadedModel, settings: MagnitudePruningSettings) -> Planned:
        """Predict masks and survivors: their number is exact."""
        selection = rules.select(self, model, settings)
        survivors = _survivors(model, selection.layers, settings)
        coded: dict[str, CodedTensor] = {}
        for name, kept in survivors.items():
            layer = selection.layers[name]
            if _is_smaller(layer, kept):
                planned = codecs.plan_masked(kept, layer.weight.shape)
                coded[f"{name}.weight"] = planned
        total = sum(layer.weight.numel() for layer in selection.layers.values())
        kept_total = sum(survivors.values())
        return Planned(
            model=with_coded(skeleton(model), coded),
            trainings=planned_training(settings),
            layers=tuple(selection.layers),
            notes=(f"{kept_total:,} of {total:,} weights are kept", *selection.warnings),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: MagnitudePruningSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Prune a copy of `model`, training while the zeros grow."""
        pruned = model.copy()
        selection = rules.select(self, pruned, settings)
        survivors = _survivors(pruned, selection.layers, settings)
        ramp = _Ramp(selection.layers, survivors, settings)
        for name, layer in selection.layers.items():
            known = codecs.survivor_mask(pruned.coded.get(f"{name}.weight"))
            ramp.attach(layer, known)
        if settings.epochs:
            network = pruned.network()
            fixed = pruned.coded.keys() - {f"{name}.weight" for name in selection.layers}
            yield from fine_tune(
                network, pruned.info, settings, context, after_step=ramp.after_step, fixed=fixed
            )
        coded = {}
        for name, layer in selection.layers.items():
            mask = ramp.finish(name)
            if _is_smaller(layer, survivors[name]):
                packed = codecs.encode_masked(tensor_values(layer), mask, tuple(layer.weight.shape))
                coded[f"{name}.weight"] = packed
            context.job.report(1.0, f"Pruned {name}")
        return with_coded(pruned, coded)

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the values of a masked tensor."""
        return codecs.decode_masked(coded)


class _Ramp:
    """Masks of some layers while their number of zeros grows."""

    def __init__(
        self,
        layers: dict[str, WeightLayer],
        survivors: dict[str, int],
        settings: MagnitudePruningSettings,
    ) -> None:
        self._layers = layers
        self._survivors = survivors
        self._settings = settings

    def attach(self, layer: WeightLayer, known: np.ndarray | None) -> None:
        """Give a layer a mask; as a buffer it is in every checkpoint."""
        mask = torch.ones(layer.weight.shape, dtype=torch.bool)
        if known is not None:
            mask = torch.from_numpy(known).view(layer.weight.shape)
        layer.register_buffer(_MASK, mask.to(layer.weight.device))

    def after_step(self, step: int, total_steps: int, optimizer: torch.optim.Optimizer) -> None:
        """Choose new masks where due, then hold every masked weight and its momentum at zero."""
        ramp_steps = max(1.0, self._settings.ramp_share * total_steps)
        for name, layer in self._layers.items():
            self._refresh(name, layer, min(step / ramp_steps, 1.0))
            _hold(layer, optimizer)

    def _refresh(self, name: str, layer: WeightLayer, position: float) -> None:
        """Take a new mask at equal distances along the ramp.

        What was done already is read off the mask: a resumed run goes on where the mask stands.
        """
        refreshes = self._settings.refreshes
        share = 1.0 - (1.0 - math.floor(position * refreshes) / refreshes) ** 3
        count, mask = layer.weight.numel(), _mask(layer)
        survivors = count - round(share * (count - self._survivors[name]))
        if survivors < int(mask.sum()):
            mask.copy_(magnitude_mask(layer.weight, mask, survivors))

    def finish(self, name: str) -> np.ndarray:
        """Take the mask off a layer, with exactly the planned survivors, shape (n,)."""
        layer = self._layers[name]
        mask = _mask(layer)
        if int(mask.sum()) != self._survivors[name]:
            mask = magnitude_mask(layer.weight, mask, self._survivors[name])
        delattr(layer, _MASK)
        flat: np.ndarray = mask.cpu().numpy().reshape(-1)
        set_tensor_values(layer, np.where(flat, tensor_values(layer), np.float32(0.0)))
        return flat


def magnitude_mask(weight: torch.Tensor, mask: torch.Tensor, survivors: int) -> torch.Tensor:
    """Return a mask of the `survivors` largest weights, by magnitude, among those in `mask`."""
    scores = weight.detach().abs().masked_fill(~mask, -1.0).cpu().numpy().reshape(-1)
    survivors = min(survivors, int(mask.sum()))
    if survivors == 0:
        return torch.zeros_like(mask)
    # a threshold is ten times faster than sorting places; among equals the first ones stay
    threshold = np.partition(scores, scores.size - survivors)[scores.size - survivors]
    chosen = scores > threshold
    ties = np.flatnonzero(scores == threshold)
    chosen[ties[: survivors - int(np.count_nonzero(chosen))]] = True
    return torch.from_numpy(chosen).view(weight.shape).to(weight.device)


def _mask(layer: WeightLayer) -> torch.Tensor:
    return layer.get_buffer(_MASK)


def _hold(layer: WeightLayer, optimizer: torch.optim.Optimizer) -> None:
    """Zero masked weights and their optimiser state: momentum would bring them back."""
    mask = _mask(layer)
    with torch.no_grad():
        layer.weight.mul_(mask)
        state: dict[str, Any] = optimizer.state.get(layer.weight, {})
        for value in state.values():
            if isinstance(value, torch.Tensor) and value.shape == mask.shape:
                value.mul_(mask)


def _is_smaller(layer: WeightLayer, survivors: int) -> bool:
    count = layer.weight.numel()
    return codecs.masked_bytes(count, survivors) < 4 * count


def _survivors(
    model: LoadedModel, layers: dict[str, WeightLayer], settings: MagnitudePruningSettings
) -> dict[str, int]:
    """Return how many weights each layer keeps: never none, and more in the outermost layers."""
    order = list(weight_layers(model.network())) if model.module is not None else []
    kept: dict[str, int] = {}
    for name, layer in layers.items():
        is_conv = isinstance(layer, nn.Conv2d)
        share = 1.0 - (settings.sparsity_conv if is_conv else settings.sparsity_linear)
        if name == order[0]:
            share = max(share, settings.keep_first)
        if name == order[-1]:
            share = max(share, settings.keep_last)
        count = layer.weight.numel()
        already = codecs.survivor_count(model.coded.get(f"{name}.weight"), count)
        kept[name] = min(max(1, round(share * count)), already)
    return kept


METHOD = MagnitudePruning()
