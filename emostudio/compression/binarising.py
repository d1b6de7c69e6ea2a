"""Binary weights while they are trained: real-valued latent weights behind two values per filter.

References
----------
.. [1] Courbariaux et al., "BinaryConnect", NeurIPS 2015, arXiv:1511.00363.
.. [2] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, sections 3.1 and 3.3.
.. [3] Merolla et al., "Deep neural networks are robust to weight binarization and other
   non-linear distortions", arXiv:1606.01981, 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.utils import parametrize

from emostudio.compression import rules
from emostudio.compression.base import Method, SkippedLayer
from emostudio.compression.coding import bits
from emostudio.compression.rules import Selection
from emostudio.compression.surgery import set_tensor_values, weight_layers
from emostudio.models.loaded import CodedTensor, LoadedModel

Mapping = Literal["sign", "zero_one", "median"]
Gradient = Literal["exact", "paper", "reference"]

_LEAST_FAN_IN = 9


@dataclass(frozen=True)
class Binariser:
    """How latent weights become two values, and how the gradient comes back.

    Attributes
    ----------
    mapping
        ``sign``: -a and +a with a = mean|W|; ``zero_one``: 0 and the mean of the positive weights;
        ``median``: the means of the weights below and above the filter's median.
    scaled
        Whether filters have values of their own; otherwise all are -1 and +1.
    constant
        Without `scaled`: whether all weights of a layer are -h and +h, h being the layer's Glorot
        coefficient, so that its outputs keep their size without batch normalisation.
    gradient
        ``exact``: of the mapping, the step of the sign taken for a ramp; ``paper``: the released
        g (a 1{|W|<1} + 1/n) (1 - 1/S); ``reference``: n times that. The last two know `sign` only.
    stochastic
        Whether signs are drawn in training, +1 with probability clip((W + 1) / 2, 0, 1).
    """

    mapping: Mapping = "sign"
    scaled: bool = True
    constant: bool = False
    gradient: Gradient = "exact"
    stochastic: bool = False

    @property
    def level_count(self) -> int:
        """Floats that each filter needs in a file."""
        if not self.scaled:
            return int(self.constant)
        return 1 if self.mapping == "sign" else 2

    def binarised(self, latent: torch.Tensor, *, training: bool) -> torch.Tensor:
        """Return the binary weight of a latent one, both (T, ...)."""
        if not self.scaled:
            drawn = self.stochastic and training
            signs: torch.Tensor = _SignWeight.apply(latent, drawn)  # type: ignore[no-untyped-call]  # torch does not type it
            return glorot(latent) * signs if self.constant else signs
        if self.mapping != "sign":
            return _two_levels(latent, *_levels(latent, self.mapping))
        if self.gradient == "exact":
            clipped: torch.Tensor = _ClippedSign.apply(latent)  # type: ignore[no-untyped-call]  # torch does not type it
            return _filter_mean(latent.abs()) * clipped
        by_n = self.gradient == "reference"
        released: torch.Tensor = _ReleasedBinary.apply(latent, by_n)  # type: ignore[no-untyped-call]  # torch does not type it
        return released

    def packed(self, latent: torch.Tensor) -> CodedTensor:
        """Return the bits and values of a latent weight as a file holds them."""
        with torch.no_grad():
            flat = latent.detach().cpu().float().flatten(1)
            threshold, low, high = _levels(flat, self.mapping)
            if self.constant:
                high = torch.full_like(high, glorot(latent))
            values = high if self.level_count == 1 else torch.cat((low, high), dim=1)
        levels = values.numpy() if self.level_count else None
        return bits.encode_bits((flat >= threshold).numpy(), levels, tuple(latent.shape))


def glorot(weight: torch.Tensor) -> float:
    """Return sqrt(1.5 / (fan-in + fan-out)) of a weight (C_out, C_in, ...)."""
    inputs = weight[0].numel()
    outputs = weight.numel() // weight.shape[1]
    return math.sqrt(1.5 / (inputs + outputs))


def optimal_scale(latent: torch.Tensor) -> torch.Tensor:
    """Return mean|W| of each filter, shape (T, 1, ...): the a that minimises ||W - a sgn W||^2."""
    return _filter_mean(latent.abs())


def _filter_mean(values: torch.Tensor) -> torch.Tensor:
    return values.mean(dim=tuple(range(1, values.ndim)), keepdim=True)


def _levels(
    latent: torch.Tensor, mapping: Mapping
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return threshold, lower and upper value of each filter, shapes (T, 1, ...)."""
    if mapping == "sign":
        scale = optimal_scale(latent)
        return torch.zeros_like(scale), -scale, scale
    shape = (latent.shape[0],) + (1,) * (latent.ndim - 1)
    flat = latent.flatten(1)
    if mapping == "zero_one":
        threshold = torch.zeros_like(flat[:, :1])
    else:
        threshold = flat.detach().median(dim=1, keepdim=True).values
    upper = flat >= threshold
    high = _mean_of(flat, upper)
    low = torch.zeros_like(high) if mapping == "zero_one" else _mean_of(flat, ~upper)
    return threshold.view(shape), low.view(shape), high.view(shape)


def _mean_of(flat: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    return (flat * chosen).sum(1, keepdim=True) / chosen.sum(1, keepdim=True).clamp_min(1)


def _two_levels(
    latent: torch.Tensor, threshold: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    signs: torch.Tensor = _ClippedSign.apply(latent - threshold)  # type: ignore[no-untyped-call]  # torch does not type it
    return (high + low) / 2 + (high - low) / 2 * signs


def signs_of(values: torch.Tensor) -> torch.Tensor:
    """Return -1 and +1; 0 counts as +1."""
    one = torch.ones((), dtype=values.dtype, device=values.device)
    return torch.where(values >= 0, one, -one)


class _SignWeight(torch.autograd.Function):
    """sgn(W), drawn or not, whose gradient goes straight through: BinaryConnect."""

    @staticmethod
    def forward(ctx: Any, latent: torch.Tensor, drawn: bool) -> torch.Tensor:
        """Return -1 and +1."""
        del ctx
        if drawn:
            probability = ((latent + 1) / 2).clamp(0, 1)
            return signs_of(probability - torch.rand_like(probability))
        return signs_of(latent)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient of the binary weight."""
        del ctx
        return gradient, None


class _ClippedSign(torch.autograd.Function):
    """sgn(W) whose gradient passes where |W| < 1."""

    @staticmethod
    def forward(ctx: Any, latent: torch.Tensor) -> torch.Tensor:
        """Return -1 and +1."""
        ctx.save_for_backward(latent)
        return signs_of(latent)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        """Return g 1{|W|<1}."""
        (latent,) = ctx.saved_tensors
        passed: torch.Tensor = gradient * (latent.abs() < 1)
        return passed


class _ReleasedBinary(torch.autograd.Function):
    """a sgn(W) with the gradient of the survey's released code, or of its model with factor n."""

    @staticmethod
    def forward(ctx: Any, latent: torch.Tensor, by_n: bool) -> torch.Tensor:
        """Return -a and +a."""
        scale = optimal_scale(latent)
        ctx.save_for_backward(latent, scale)
        ctx.by_n = by_n
        return scale * signs_of(latent)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return g (a 1{|W|<1} + 1/n) (1 - 1/S), S being the input channels."""
        latent, scale = ctx.saved_tensors
        n, c_in = latent[0].numel(), latent.shape[1]
        factor = (scale * (latent.abs() < 1) + 1.0 / n) * (1.0 - 1.0 / c_in)
        return gradient * factor * (n if ctx.by_n else 1), None


class BinaryWeight(nn.Module):
    """Parametrisation of a weight by its latent, real-valued one."""

    watches_signs = True

    def __init__(self, binariser: Binariser) -> None:
        super().__init__()
        self.binariser = binariser
        # in a tuple, so that it does not become a child: it holds this module already
        self._owner: tuple[Any, ...] = ()

    def belongs_to(self, layer: Any) -> None:
        """Remember where the latent weight is kept."""
        self._owner = (layer.parametrizations.weight,)

    def latent(self) -> torch.Tensor:
        """Return the latent weight."""
        latent: torch.Tensor = self._owner[0].original
        return latent

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Return the binary weight."""
        return self.binariser.binarised(latent, training=self.training)


class LatentWeights:
    """Binary layers of one network in training.

    Parameters
    ----------
    layers
        Changed in place: each weight becomes the latent one.
    binariser
        What the network computes with.
    centred
        Whether every step takes the mean over the input channels off the latent weights.
    """

    def __init__(
        self, layers: dict[str, nn.Module], binariser: Binariser, *, centred: bool = False
    ) -> None:
        self._layers: dict[str, Any] = dict(layers)
        self._binariser, self._centred = binariser, centred
        for layer in self._layers.values():
            self._tidy(layer.weight)
            weight = BinaryWeight(binariser)
            parametrize.register_parametrization(layer, "weight", weight, unsafe=True)
            weight.belongs_to(layer)

    def after_step(self, step: int, total_steps: int, optimiser: torch.optim.Optimizer) -> None:
        """Centre and clip the latent weights, and only these."""
        del step, total_steps, optimiser
        for layer in self._layers.values():
            self._tidy(layer.parametrizations.weight.original)

    @torch.no_grad()
    def _tidy(self, latent: torch.Tensor) -> None:
        if self._centred:
            latent -= latent.mean(dim=1, keepdim=True)
        latent.clamp_(-1.0, 1.0)

    def finish(self) -> dict[str, CodedTensor]:
        """Give every layer its binary weight for good; return the packed ones by path."""
        return {
            f"{name}.weight": _finish_layer(layer, self._binariser)
            for name, layer in self._layers.items()
        }


def _finish_layer(layer: Any, binariser: Binariser) -> CodedTensor:
    coded = binariser.packed(layer.parametrizations.weight.original)
    with torch.no_grad():
        parametrize.remove_parametrizations(layer, "weight")
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    # the weight was taken away and put back: the bias goes behind it again
    del layer.bias
    layer.register_parameter("bias", bias)
    layer.weight.requires_grad = True
    set_tensor_values(layer, bits.decode_bits(coded))
    return coded


def planned_bits(layers: dict[str, nn.Module], binariser: Binariser) -> dict[str, CodedTensor]:
    """Return what `LatentWeights.finish` gives, without values."""
    weights: dict[str, Any] = dict(layers)
    return {
        f"{name}.weight": bits.plan_bits(tuple(layer.weight.shape), binariser.level_count)
        for name, layer in weights.items()
    }


def why_not_binary(layer: nn.Module, level_count: int) -> str:
    """Return why the weights of a layer cannot be binary, or nothing."""
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        return "layer has no dense weight (hashed/TT)"
    shape = tuple(layer.weight.shape)
    if isinstance(layer, nn.Conv2d) and layer.groups > 1 and prod(shape[1:]) < _LEAST_FAN_IN:
        return "grouped/depthwise kernel too small (fan-in < 9)"
    if bits.bits_bytes(shape, level_count) >= 4 * prod(shape):
        return f"filters of {prod(shape[1:])} weights padded to 64 bits are no smaller"
    return ""


def inner_layers(method: Method[Any], model: LoadedModel, settings: Any) -> Selection:
    """Choose layers by the rules; the first and the last of the network stay float32."""
    selection = rules.select(method, model, settings)
    if model.module is None:
        return selection
    order = list(weight_layers(model.module))
    outer = {order[0], order[-1]} if order else set()
    skipped = (
        SkippedLayer(name, "first/last layer stays fp32")
        for name in selection.layers
        if name in outer
    )
    chosen = {name: layer for name, layer in selection.layers.items() if name not in outer}
    return Selection(chosen, (*selection.skipped, *skipped), selection.warnings)


def one_bit_bytes(model: LoadedModel) -> int | None:
    """Return the size as the survey counts it: every parameter, binary or not, as one bit."""
    if model.module is None:
        return None
    return -(-sum(parameter.numel() for parameter in model.module.parameters()) // 8)


def fixed_names(model: LoadedModel, changed: Iterable[str]) -> set[str]:
    """Return the packed tensors that training must leave alone."""
    return set(model.coded) - {f"{name}.weight" for name in changed}
