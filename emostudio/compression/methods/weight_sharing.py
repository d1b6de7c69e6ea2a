"""Weight sharing: every weight of a layer becomes one of a few values, chosen by k-means.

Use it after pruning to shrink the file further: 8 bits per weight in convolutions and 5 in linear
layers cost next to nothing in accuracy. The arithmetic stays float32.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, section 3.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from emostudio.compression import lloyd, rules
from emostudio.compression.base import SHARED, ApplyContext, Method, Planned
from emostudio.compression.coding import codecs
from emostudio.compression.fine_tuning import (
    BitSettings,
    FineTuneSettings,
    fine_tune,
    planned_training,
)
from emostudio.compression.surgery import (
    WeightHolder,
    WeightLayer,
    set_tensor_values,
    skeleton,
    tensor_values,
    with_coded,
)
from emostudio.core.events import Event, Progress
from emostudio.core.settings import setting
from emostudio.models.loaded import CodedTensor, LoadedModel

_TRAINING: Mapping[str, Any] = {"optimiser": "adamw", "weight_decay": 0.0}


class WeightSharingSettings(BitSettings, FineTuneSettings):
    """How many values each kind of layer may have."""

    epochs: int = setting(
        3,
        title="Centroid epochs",
        help="Passes in which the shared values are tuned; 0 leaves them as k-means found them.",
        low=0,
        high=1000,
    )
    learning_rate: float = setting(
        1e-4, title="Learning rate", help="Adam's step size for the values.", low=1e-7, high=1.0
    )
    gradient: Literal["sum", "mean"] = setting(
        "sum",
        title="Gradient of a value",
        help="Sum or mean over the weights that share it; the sum is the true gradient.",
        advanced=True,
    )
    sweeps: int = setting(
        50, title="k-means sweeps", help="Most sweeps of k-means.", low=1, high=1000, advanced=True
    )


class WeightSharing(Method[WeightSharingSettings]):
    """Shares values within each layer; the file keeps a codebook and a code per weight."""

    key = "weight_sharing"
    title = "Weight sharing"
    family = rules.SHARING
    summary = "Let all weights of a layer share a few values found by k-means; smaller file."
    reference = "Han et al., ICLR 2016, arXiv:1510.00149, section 3"
    settings_type = WeightSharingSettings
    decided_by = "five_bit_linear"
    leaves = frozenset({SHARED})
    codecs = (codecs.CODEBOOK,)

    def refuses(self, name: str, layer: nn.Module, settings: WeightSharingSettings) -> str:
        """Return why the values of `layer` cannot be shared, or nothing."""
        del name
        if not isinstance(layer, nn.Conv2d | nn.Linear | WeightHolder):
            return "layer has no dense weight"
        count, bits = layer.weight.numel(), _bits(layer, settings)
        if codecs.codebook_bytes(count, count, bits) >= 4 * count:
            return f"a codebook of {2**bits} values is larger than the layer's {count} weights"
        return ""

    def plan(self, model: LoadedModel, settings: WeightSharingSettings) -> Planned:
        """Predict codebooks and codes: their sizes are exact."""
        selection = rules.select(self, model, settings)
        coded = {
            f"{name}.weight": _plan_layer(layer, model.coded.get(f"{name}.weight"), settings)
            for name, layer in selection.layers.items()
        }
        return Planned(
            model=with_coded(skeleton(model), coded),
            trainings=planned_training(settings, **_TRAINING),
            layers=tuple(selection.layers),
            notes=selection.warnings,
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: WeightSharingSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Cluster a copy of `model`, then tune the shared values."""
        shared = model.copy()
        selection = rules.select(self, shared, settings)
        pruned: dict[str, bool] = {}
        total = len(selection.layers)
        for number, (name, layer) in enumerate(selection.layers.items()):
            yield Progress(fraction=number / total, message=f"Clustering {name}")
            mask = codecs.survivor_mask(shared.coded.get(f"{name}.weight"))
            pruned[name] = mask is not None
            _cluster_layer(layer, mask, settings, context)
        if settings.epochs:
            network = shared.network()
            fixed = _all_but_codebooks(network)
            yield from fine_tune(network, shared.info, settings, context, fixed=fixed, **_TRAINING)
        coded = {
            f"{name}.weight": _pack_layer(layer, pruned=pruned[name])
            for name, layer in selection.layers.items()
        }
        return with_coded(shared, coded)

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the values of a tensor with a codebook."""
        return codecs.decode_codebook(coded)


class SharedLookup(torch.autograd.Function):
    """Codebook lookup whose gradient is summed (or averaged) over the members of each value."""

    @staticmethod
    def forward(ctx: Any, codebook: torch.Tensor, codes: torch.Tensor, mean: bool) -> torch.Tensor:
        """Return codebook[codes] of shape (n,); codebook (k,), codes uint8 (n,)."""
        ctx.save_for_backward(codes)
        ctx.size, ctx.mean = codebook.numel(), mean
        return codebook.index_select(0, codes.int())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Return the gradient of the codebook, shape (k,)."""
        (codes,) = ctx.saved_tensors
        members = codes.int()
        summed = torch.zeros(ctx.size, dtype=gradient.dtype, device=gradient.device)
        summed.index_add_(0, members, gradient)
        if ctx.mean:
            summed /= torch.bincount(members, minlength=ctx.size).clamp_min(1)
        return summed, None, None


class SharedWeight(nn.Module):
    """Parametrisation of a weight by a codebook; only the codebook is a parameter."""

    def __init__(
        self,
        codebook: torch.Tensor,
        codes: torch.Tensor,
        shape: torch.Size,
        *,
        pruned: bool,
        mean: bool,
    ) -> None:
        super().__init__()
        # flat, so that the training's channels-last layout leaves it alone
        self.register_buffer("codes", codes)
        self._shape = shape
        held = torch.ones_like(codebook)
        if pruned:
            held[0] = 0.0
        # Multiplying keeps the value of pruned weights at exactly 0.0, gradient included.
        self.register_buffer("held", held)
        self._initial = codebook
        self._mean = mean

    def forward(self, codebook: torch.Tensor) -> torch.Tensor:
        """Return the dense weight."""
        weight: torch.Tensor = SharedLookup.apply(  # type: ignore[no-untyped-call]  # torch does not type it
            codebook * self.get_buffer("held"), self.get_buffer("codes"), self._mean
        )
        return weight.view(self._shape)

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the codebook to start from."""
        return self._initial.to(weight.device)


def _bits(layer: WeightLayer, settings: WeightSharingSettings) -> int:
    return settings.bits_conv if isinstance(layer, nn.Conv2d) else settings.bits_linear


def _plan_layer(
    layer: WeightLayer, coded: CodedTensor | None, settings: WeightSharingSettings
) -> CodedTensor:
    survivors = codecs.survivor_count(coded, layer.weight.numel())
    pruned = codecs.is_pruned(coded)
    return codecs.plan_codebook(
        survivors, _bits(layer, settings), layer.weight.shape, pruned=pruned
    )


def _cluster_layer(
    layer: WeightLayer,
    mask: np.ndarray | None,
    settings: WeightSharingSettings,
    context: ApplyContext,
) -> None:
    """Replace the layer's weight by a codebook lookup, in place."""
    values = tensor_values(layer)
    size = 2 ** _bits(layer, settings)
    members = values if mask is None else values[mask]
    reserved = 0 if mask is None else 1
    clustering = lloyd.cluster(
        members,
        size - reserved,
        sweeps=settings.sweeps,
        report=lambda: context.job.report(0.0, "Clustering weights"),
    )
    codebook = np.zeros(size, np.float32)
    codebook[reserved:] = clustering.centroids
    codes = np.zeros(values.size, np.uint8)
    nearest = lloyd.nearest(members, clustering.centroids) + np.uint8(reserved)
    codes[... if mask is None else mask] = nearest
    set_tensor_values(layer, codebook[codes])
    parametrisation = SharedWeight(
        torch.from_numpy(codebook),
        torch.from_numpy(codes).to(layer.weight.device),
        layer.weight.shape,
        pruned=mask is not None,
        mean=settings.gradient == "mean",
    )
    parametrize.register_parametrization(layer, "weight", parametrisation)


def _all_but_codebooks(network: nn.Module) -> set[str]:
    names = {name for name, _ in network.named_parameters()}
    return {name for name in names if not name.endswith("parametrizations.weight.original")}


def _pack_layer(layer: WeightLayer, *, pruned: bool) -> CodedTensor:
    """Turn the lookup back into a plain weight, and pack it."""
    stack: Any = layer.parametrizations
    parametrisation = stack.weight[0]
    codebook = stack.weight.original.detach().cpu().numpy().astype(np.float32)
    codes = parametrisation.get_buffer("codes").cpu().numpy().reshape(-1)
    if pruned:
        codebook[0] = 0.0
    parametrize.remove_parametrizations(layer, "weight")
    others = dict(layer.named_parameters(recurse=False))
    # the weight was taken away and put back: the others go behind it again
    for name in [name for name in others if name != "weight"]:
        delattr(layer, name)
        layer.register_parameter(name, others[name])
    layer.weight.requires_grad = True
    coded = codecs.encode_codebook(codebook, codes, tuple(layer.weight.shape), pruned=pruned)
    set_tensor_values(layer, codebook[codes])
    return coded


METHOD = WeightSharing()
