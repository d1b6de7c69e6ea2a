"""Finding out at once that a training goes wrong, and where."""

from __future__ import annotations

import math

import torch
from torch import nn

from emostudio.core.errors import DivergedError

_FLAT_STEPS = 200
_FLAT_TOLERANCE = 1e-3


def require_finite_loss(
    loss: torch.Tensor, module: nn.Module, inputs: torch.Tensor, step: int
) -> None:
    """Stop the run if the loss is not a number.

    Raises
    ------
    DivergedError
        Naming the step and the first layer with a non-finite weight or output.
    """
    if math.isfinite(loss.item()):
        return
    layer = non_finite_weight(module) or _non_finite_output(module, inputs) or "the loss"
    raise _diverged(f"the loss became {loss.item()}", step, layer)


def require_finite_gradients(module: nn.Module, norm: torch.Tensor, step: int) -> None:
    """Stop the run if a gradient is not finite.

    Raises
    ------
    DivergedError
        Naming the step and the layer.
    """
    if math.isfinite(norm.item()):
        return
    for name, parameter in module.named_parameters():
        if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
            raise _diverged("a gradient is not finite", step, name)


def require_finite_weights(module: nn.Module, step: int) -> None:
    """Stop the run if a weight or running statistic is not finite.

    Raises
    ------
    DivergedError
        Naming the step and the layer.
    """
    layer = non_finite_weight(module)
    if layer:
        raise _diverged("a weight is not finite", step, layer)


@torch.no_grad()
def non_finite_weight(module: nn.Module) -> str:
    """Return the name of the first weight that is not finite, or nothing."""
    tensors = {
        name: tensor for name, tensor in module.state_dict().items() if tensor.is_floating_point()
    }
    # A sum is cheap and infinite or NaN if any element is.
    if math.isfinite(sum(float(tensor.sum()) for tensor in tensors.values())):
        return ""
    return next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), "")


class DeadStartWatch:
    """Notices a network that answers the same to everything and never starts to learn.

    Parameters
    ----------
    class_count
        Number of classes; knowing nothing costs its logarithm.
    """

    def __init__(self, class_count: int) -> None:
        self._chance = math.log(class_count)

    def observe(self, loss: float, flat_steps: int, step: int) -> int:
        """Take in the loss of a step, and return how many steps in a row were flat.

        Raises
        ------
        DivergedError
            After 200 steps at the loss of chance.
        """
        flat_steps = flat_steps + 1 if abs(loss - self._chance) < _FLAT_TOLERANCE else 0
        if flat_steps >= _FLAT_STEPS:
            raise DivergedError(
                f"The network does not start to learn (step {step})",
                why=f"its loss has been {self._chance:.3f}, the loss of guessing, for "
                f"{_FLAT_STEPS} steps",
                next_step="Lower the learning rate, switch batch normalisation on, or train "
                "without the ReLU after the last layer",
            )
        return flat_steps


def _non_finite_output(module: nn.Module, inputs: torch.Tensor) -> str:
    found: list[str] = []

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def look(_layer: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and not torch.isfinite(output).all():
                found.append(name)

        return module.get_submodule(name).register_forward_hook(look)

    handles = [watch(name) for name, _ in module.named_modules() if name]
    try:
        with torch.no_grad():
            module(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else ""


def _diverged(why: str, step: int, layer: str) -> DivergedError:
    return DivergedError(
        f"Training diverged at step {step} in {layer}",
        why=why,
        next_step="Lower the learning rate; the last good checkpoint is kept",
    )
