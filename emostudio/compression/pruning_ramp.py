"""Masks of pruned layers while their number of zeros grows during training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from emostudio.compression.surgery import WeightLayer, set_tensor_values, tensor_values

_MASK = "pruning_mask"


class PruningRamp:
    """Masks that lose weights along a cubic ramp and hold what is lost at zero.

    A mask is a buffer of its layer while the ramp is attached, so it is in every checkpoint.

    Parameters
    ----------
    layers
        Layers to prune, by path.
    ramp_share
        Share of a training over which the zeros grow to their number.
    refreshes
        How often along the ramp the weights to drop are chosen anew.
    """

    def __init__(
        self, layers: Mapping[str, WeightLayer], ramp_share: float, refreshes: int
    ) -> None:
        self._layers = layers
        self._ramp_share, self._refreshes = ramp_share, refreshes
        self._start: dict[str, int] = {}
        self._survivors: dict[str, int] = {}

    def attach(self, name: str, known: np.ndarray | None) -> None:
        """Give a layer a mask; `known`, bool (n,), is that of an earlier pruning."""
        layer = self._layers[name]
        mask = torch.ones(layer.weight.shape, dtype=torch.bool)
        if known is not None:
            mask = torch.from_numpy(known).view(layer.weight.shape)
        layer.register_buffer(_MASK, mask.to(layer.weight.device))
        self._survivors[name] = int(mask.sum())

    def aim(self, survivors: Mapping[str, int]) -> None:
        """Set how many weights of each layer the next training leaves."""
        self._start = dict(self._survivors)
        self._survivors = {name: min(count, self._start[name]) for name, count in survivors.items()}

    def after_step(self, step: int, total_steps: int, optimizer: torch.optim.Optimizer) -> None:
        """Choose new masks where due, then hold every masked weight and its momentum at zero."""
        ramp_steps = max(1.0, self._ramp_share * total_steps)
        for name, layer in self._layers.items():
            self._refresh(name, layer, min(step / ramp_steps, 1.0))
            _hold(layer, optimizer)

    def settle(self) -> None:
        """Bring every layer to exactly the number of weights aimed at."""
        for name, layer in self._layers.items():
            mask = _mask(layer)
            if int(mask.sum()) != self._survivors[name]:
                mask.copy_(magnitude_mask(layer.weight, mask, self._survivors[name]))
            with torch.no_grad():
                layer.weight.mul_(mask)

    def detach(self, name: str) -> np.ndarray:
        """Take the mask off a layer and return it, bool (n,); what it hides is exactly zero."""
        layer = self._layers[name]
        flat: np.ndarray = _mask(layer).cpu().numpy().reshape(-1)
        delattr(layer, _MASK)
        set_tensor_values(layer, np.where(flat, tensor_values(layer), np.float32(0.0)))
        return flat

    def _refresh(self, name: str, layer: WeightLayer, position: float) -> None:
        """Take a new mask at equal distances along the ramp.

        What was done already is read off the mask: a resumed run goes on where the mask stands.
        """
        share = 1.0 - (1.0 - math.floor(position * self._refreshes) / self._refreshes) ** 3
        start, mask = self._start[name], _mask(layer)
        survivors = start - round(share * (start - self._survivors[name]))
        if survivors < int(mask.sum()):
            mask.copy_(magnitude_mask(layer.weight, mask, survivors))


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


def above_deviations(weight: torch.Tensor, deviations: float) -> int:
    """Return how many weights are larger, by magnitude, than so many standard deviations."""
    values = weight.detach().double()
    return int((values.abs() > deviations * values.std(correction=0)).sum())


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
