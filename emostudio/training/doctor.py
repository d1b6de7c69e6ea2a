"""The training doctor: looks at every layer while a network learns, and names what is wrong.

Signs that flip never or all the time, layers that get no gradient, updates far too small or large:
each has a name, and a setting to try. Layers whose weights are trained through their signs declare
``watches_signs = True`` and give the real-valued weights by ``latent()``.

References
----------
.. [1] Courbariaux et al., "Binarized neural networks", arXiv:1602.02830 (signs have to flip).
.. [2] Rastegari et al., "XNOR-Net", ECCV 2016; its released training code, on which the survey's
   lacks the factor n: binary layers then learn thousands of times slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from emostudio.core.events import Event, LayerHealth, LayerState, Note

LOOK_EVERY_STEPS = 50
"""Steps between two reports; an epoch's end reports too."""

_MOST_SIGNS = 1 << 20
_DEAD_RATIO = 1e-12
_LEAST_STEPS = 100
_STUCK_FLIP_RATE = 1e-7
_RESTLESS_FLIP_RATE = 0.05


@dataclass
class _Watched:
    """The signs of one layer; `steps` and `flips` count since the last report."""

    layer: nn.Module
    signs: torch.Tensor
    flips: int = 0
    steps: int = 0
    total_flips: int = 0
    total_steps: int = 0


@dataclass
class Doctor:
    """Watches one network in training.

    Parameters
    ----------
    module
        The network; nothing in it is changed.
    """

    module: nn.Module
    _watched: dict[str, _Watched] = field(default_factory=dict, init=False)
    _told: set[tuple[str, str]] = field(default_factory=set, init=False)
    _gradients: dict[str, float] = field(default_factory=dict, init=False)
    _steps: int = field(default=0, init=False)
    _reported: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for name, layer in self.module.named_modules():
            if getattr(layer, "watches_signs", False):
                self._watched[_owner(name)] = _Watched(layer, _signs(layer))

    def observe(self) -> None:
        """Take in an optimiser step, while the gradients are still there."""
        self._steps += 1
        for watched in self._watched.values():
            signs = _signs(watched.layer)
            flips = int((signs != watched.signs).sum())
            watched.signs = signs
            watched.flips += flips
            watched.total_flips += flips
            watched.steps += 1
            watched.total_steps += 1
        if self._steps % LOOK_EVERY_STEPS == 0 or self._steps == 1:
            self._gradients = _gradient_ratios(self.module)

    def is_due(self, *, epoch_ends: bool) -> bool:
        """Whether it is time for a report."""
        return epoch_ends or self._steps % LOOK_EVERY_STEPS == 0

    def report(self, step: int, epoch: int) -> Iterator[Event]:
        """Yield how the layers are, and each new diagnosis once.

        Parameters
        ----------
        step, epoch
            Counted from 1, as in `StepDone`.
        """
        if self._steps == self._reported:
            return
        self._reported = self._steps
        names = dict.fromkeys((*self._gradients, *self._watched))
        states = tuple(self._state(name) for name in names)
        if states:
            yield LayerHealth(step=step, epoch=epoch, layers=states)
        for state in states:
            yield from self._diagnose(state)
        for watched in self._watched.values():
            watched.flips = watched.steps = 0

    def _state(self, name: str) -> LayerState:
        watched, ratio = self._watched.get(name), self._gradients.get(name)
        rate = None
        if watched is not None and watched.steps:
            rate = watched.flips / (watched.steps * watched.signs.numel())
        return LayerState(
            name=name,
            flip_rate=rate,
            gradient_ratio=ratio,
            is_dead=ratio is not None and ratio < _DEAD_RATIO,
        )

    def _diagnose(self, state: LayerState) -> Iterator[Note]:
        watched = self._watched.get(state.name)
        if watched is not None and watched.total_steps >= _LEAST_STEPS:
            rate = watched.total_flips / (watched.total_steps * watched.signs.numel())
            if rate < _STUCK_FLIP_RATE:
                yield from self._once(_stuck(state.name, rate))
            elif state.flip_rate is not None and state.flip_rate > _RESTLESS_FLIP_RATE:
                yield from self._once(_restless(state.name, state.flip_rate))
        if state.is_dead and self._steps >= LOOK_EVERY_STEPS:
            yield from self._once(_dead(state.name))

    def _once(self, note: Note) -> Iterator[Note]:
        """Yield a diagnosis the first time; of each kind the layers after the first are counted."""
        kind = note.what.partition(":")[0]
        if (kind, note.what) in self._told:
            return
        is_first = not any(told == kind for told, _ in self._told)
        self._told.add((kind, note.what))
        if is_first:
            yield note


def _stuck(name: str, rate: float) -> Note:
    return Note(
        level="doctor",
        what=f"Stuck signs: binary weights of {name} do not flip",
        why=f"{rate:.1e} of them per step, 1e-4 to 1e-2 are healthy early on: their gradient is "
        "too small to carry a weight across zero",
        next_step="Use the exact gradient instead of the released one, Adam, or a higher "
        "learning rate",
    )


def _restless(name: str, rate: float) -> Note:
    return Note(
        level="doctor",
        what=f"Restless signs: binary weights of {name} flip back and forth",
        why=f"{rate:.1%} of them per step, at most 1 % are healthy",
        next_step="Lower the learning rate, and set the weight decay of binary layers to 0",
    )


def _dead(name: str) -> Note:
    return Note(
        level="doctor",
        what=f"Dead layer: {name} gets no gradient",
        why="nothing behind it answers to what it does",
        next_step="Lower the learning rate, switch batch normalisation on, or begin from a "
        "trained network",
    )


@torch.no_grad()
def _signs(layer: nn.Module) -> torch.Tensor:
    latent: torch.Tensor = layer.latent()  # type: ignore[operator]  # see the module's docstring
    flat = latent.detach().reshape(-1)
    stride = -(-flat.numel() // _MOST_SIGNS)
    return flat[::stride] >= 0


@torch.no_grad()
def _gradient_ratios(module: nn.Module) -> dict[str, float]:
    """Return the norm of each weight's gradient over that of the weight, by layer."""
    ratios: dict[str, float] = {}
    for name, parameter in module.named_parameters():
        if parameter.grad is None or parameter.ndim < 2 or not parameter.requires_grad:
            continue
        size = float(parameter.norm())
        ratios[_owner(name.rpartition(".")[0])] = float(parameter.grad.norm()) / max(size, 1e-30)
    return ratios


def _owner(path: str) -> str:
    """Return the layer a parametrisation belongs to."""
    return path.partition(".parametrizations")[0]
