"""How far a variant's layers are from the layers they were made from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_PLAIN = (nn.Conv2d, nn.Linear)
_PICTURES, _ROWS = 4, 256
"""Noise inputs of a convolution and of a linear layer."""


def weight_errors(
    parent: nn.Module, child: nn.Module, input_shape: tuple[int, int, int], names: Sequence[str]
) -> dict[str, float]:
    """Return the relative error of layers' weights, ``|W_child - W_parent| / |W_parent|``.

    Frobenius norms. Layers of integers declare ``weight_codes()`` and ``weight_scales()``. Where a
    layer became something else (factors, codes, buckets) its weights are not at hand: then both
    answer the same white noise, for which the ratio of the answers' norms is that of the weights
    but for the border of the picture and chance of a few percent.

    Parameters
    ----------
    parent, child
        Networks in evaluation mode, on the CPU.
    input_shape
        (C, H, W) of one input.
    names
        Layers of the parent; those that the child lacks, or that take other inputs there, are
        left out.
    """
    shapes = _input_shapes(parent, input_shape, names)
    errors = {}
    for name, shape in shapes.items():
        try:
            before, now = parent.get_submodule(name), child.get_submodule(name)
            error = _error(before, now, shape)
        except (AttributeError, RuntimeError, ValueError):  # pruned channels, other layers
            continue
        if error is not None:
            errors[name] = error
    return errors


@torch.inference_mode()
def _error(before: nn.Module, now: nn.Module, shape: tuple[int, ...]) -> float | None:
    was, became = _weight_used(before), _weight_used(now)
    if was is not None and became is not None:
        return _ratio(was, became) if was.shape == became.shape else None
    generator = torch.Generator().manual_seed(0)
    count = _ROWS if len(shape) == 1 else _PICTURES
    noise = torch.randn((count, *shape), generator=generator)
    silence = torch.zeros((1, *shape))
    first, second = before(noise) - before(silence), now(noise) - now(silence)
    return _ratio(first, second) if first.shape == second.shape else None


def _weight_used(layer: nn.Module) -> Tensor | None:
    """Return the weight a layer multiplies with, None where it is not at hand as one tensor."""
    codes, scales = (getattr(layer, name, None) for name in ("weight_codes", "weight_scales"))
    if codes is not None and scales is not None:
        whole: Tensor = codes().float()
        factors: Tensor = scales().reshape(-1, *[1] * (whole.ndim - 1))
        return whole * factors
    weight = layer.weight if type(layer) in _PLAIN else None
    return weight if isinstance(weight, Tensor) else None


def _ratio(first: Tensor, second: Tensor) -> float | None:
    size = float(torch.linalg.vector_norm(first.double()))
    return float(torch.linalg.vector_norm((second - first).double())) / size if size else None


@torch.inference_mode()
def _input_shapes(
    module: nn.Module, input_shape: tuple[int, int, int], names: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """Return what each layer is given for one picture, without the batch."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> object:
        def hook(_layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            shapes[name] = tuple(given[0].shape[1:])

        return module.get_submodule(name).register_forward_pre_hook(hook)

    handles = [note(name) for name in names]
    try:
        module(torch.zeros((1, *input_shape)))
    finally:
        for handle in handles:
            handle.remove()  # type: ignore[attr-defined]  # a RemovableHandle
    return shapes
