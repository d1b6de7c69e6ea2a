"""A running average of a network's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of parameters and floating-point buffers.

    Early on the decay is shorter, so that the average is not stuck at the first weights.

    Parameters
    ----------
    module
        The network in training.
    decay
        Decay in the long run; 0 follows the network without keeping anything.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module = module
        self._decay = decay
        self.tensors: dict[str, torch.Tensor] = {
            name: tensor.detach().clone()
            for name, tensor in (module.state_dict().items() if decay > 0 else ())
            if tensor.is_floating_point()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after optimiser step `step`, counted from 1."""
        if not self.tensors:
            return
        decay = min(self._decay, (1.0 + step) / (10.0 + step))
        state = self._module.state_dict()
        for name, average in self.tensors.items():
            average.lerp_(state[name], 1.0 - decay)

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Take over averages kept in a checkpoint."""
        for name, average in self.tensors.items():
            average.copy_(tensors[name])

    def weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the averaged state, the rest of the state as it is."""
        state = {
            name: tensor.detach().clone() for name, tensor in self._module.state_dict().items()
        }
        state.update({name: tensor.clone() for name, tensor in self.tensors.items()})
        return state

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network work with the averaged weights for a while."""
        if not self.tensors:
            yield
            return
        kept = {
            name: tensor.detach().clone()
            for name, tensor in self._module.state_dict().items()
            if name in self.tensors
        }
        self._module.load_state_dict(self.tensors, strict=False)
        try:
            yield
        finally:
            self._module.load_state_dict(kept, strict=False)
