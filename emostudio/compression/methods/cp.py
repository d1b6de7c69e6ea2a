"""CP decomposition: a k x k convolution becomes four thin ones.

Use it where parameters and multiply-adds have to go down together. Four small convolutions move
more memory than one, so the clock often shows less gain than the arithmetic, or none: measure.

References
----------
.. [1] Lebedev et al., "Speeding-up convolutional neural networks using fine-tuned
   CP-decomposition", ICLR 2015, arXiv:1412.6553.
.. [2] Astrid and Lee, "CP-decomposition with tensor power method for convolutional neural
   networks compression", arXiv:1701.07148 (one layer at a time).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from math import prod
from typing import Any

import torch
from torch import nn

from emostudio.compression import cp_als, cp_layers, cp_polish
from emostudio.compression.base import ApplyContext
from emostudio.compression.decomposition import (
    DecompositionMethod,
    DecompositionSettings,
    Factored,
    Target,
)
from emostudio.compression.factor_layers import (
    convolution,
    rank_argument,
    vector_rank,
    why_unsplittable,
)
from emostudio.compression.surgery import WeightLayer, kernel_size
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError, UnsupportedLayerError
from emostudio.core.events import Event, Note
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel

_PAPER: Mapping[str, tuple[tuple[str, ...], int]] = {
    "squeezenet1_1": (("fire8.expand3x3", "fire9.expand3x3"), 192),
}
"""Architecture to the layers and the rank of the 2017 survey."""


class CpSettings(DecompositionSettings):
    """Which layers, how thin, and how they are trained afterwards."""

    layers: str = setting(
        "auto",
        title="Layers",
        help="Layer names or wildcards; auto takes the survey's layers where it names some, else "
        "every convolution of 3x3 and larger behind the first.",
    )
    rank: int = setting(
        0,
        title="Rank",
        help="Number of terms; 0 takes the survey's rank where it names one, else the budget.",
        low=0,
        high=4096,
    )
    scheme: cp_layers.Scheme = setting(
        "four",
        title="Convolutions per layer",
        help="Three keeps the k x k window in one piece: more weights per term, but one layer "
        "less to move through memory, usually faster.",
    )
    sweeps: int = setting(
        100, title="Sweeps", help="Most sweeps of the solver.", low=1, high=10_000, advanced=True
    )
    polish: int = setting(
        100,
        title="Polish",
        help="Steps that improve all factors at once after the sweeps; 0 leaves them out.",
        low=0,
        high=10_000,
        advanced=True,
    )
    ridge: float = setting(
        1e-2,
        title="Ridge",
        help="Starting regularisation; keeps terms from growing against each other.",
        low=1e-6,
        high=1.0,
        advanced=True,
    )
    max_degeneracy: float = setting(
        5.0,
        title="Degeneracy limit",
        help="Terms whose norm exceeds the kernel's by this factor cannot be fine-tuned.",
        low=1.0,
        high=1e6,
        advanced=True,
    )
    restarts: int = setting(
        3,
        title="Restarts",
        help="Further tries, each with a stronger ridge, before a layer is given up.",
        low=0,
        high=20,
        advanced=True,
    )


class Cp(DecompositionMethod[CpSettings]):
    """Replaces convolutions by 1x1, k x 1, 1 x k and 1x1 convolutions of a given rank."""

    key = "cp"
    title = "CP decomposition"
    summary = "Split k x k convolutions into four thin ones; fewer parameters and multiply-adds."
    reference = "Lebedev et al., ICLR 2015, arXiv:1412.6553"
    settings_type = CpSettings
    decided_by = "cp_convolution"
    claim = ClaimInfo(
        smaller=12.0, faster=4.5, baseline="one layer of AlexNet on ImageNet", source="Table 1"
    )

    def refuses(self, name: str, layer: nn.Module, settings: CpSettings) -> str:
        """Return why `layer` cannot be decomposed, or nothing."""
        if not isinstance(layer, nn.Conv2d):
            return "not a convolution"
        if reason := why_unsplittable(layer):
            return reason
        if prod(kernel_size(layer)) < 9:
            return "a 1x1 kernel has no spatial structure; its factors would be larger"
        if settings.layers == "auto" and layer.in_channels <= 3:
            return "the first layer gains next to nothing; name it to decompose it all the same"
        rank = _rank(layer, settings)
        limit = cp_layers.break_even_rank(layer, settings.scheme)
        if rank < 1:
            return "the budget leaves no term"
        return f"rank {rank} >= break-even rank {limit}" if rank >= limit else ""

    def resolved(self, model: LoadedModel, settings: CpSettings) -> CpSettings:
        """Fill in the survey's layers and rank where the user left the choice to us."""
        layers, rank = _PAPER.get(model.info.architecture, ((), 0))
        if settings.layers != "auto" or not layers or model.info.structure:
            return settings
        update = {"layers": " ".join(layers), "rank": settings.rank or rank}
        return settings.model_copy(update=update)

    def arguments(self, layer: WeightLayer, settings: CpSettings) -> dict[str, Any]:
        """Return the rank, and the scheme where it is not the usual one."""
        return self.at_rank(layer, _rank(layer, settings), settings)

    def at_rank(self, layer: WeightLayer, rank: int, settings: CpSettings) -> dict[str, Any]:
        """Return a rank and the scheme."""
        del layer
        scheme = {} if settings.scheme == "four" else {"scheme": settings.scheme}
        return {"rank": rank, **scheme}

    def size_limit(self, layer: WeightLayer, settings: CpSettings) -> int:
        """Return the rank whose factors are about as large as the kernel."""
        return cp_layers.break_even_rank(convolution(layer), settings.scheme)

    def factorise(
        self, target: Target, settings: CpSettings, context: ApplyContext
    ) -> Generator[Event, None, Factored]:
        """Return the thin convolutions; every try whose terms cancel is told."""
        layer, rank = convolution(target.layer), target.arguments["rank"]
        for attempt in range(settings.restarts + 1):
            found = _attempt(target, settings, context, attempt)
            if found.rho <= settings.max_degeneracy:
                yield _success(target, found, attempt)
                layers = cp_layers.filled_layers(layer, found.factors, settings.scheme)
                return Factored(layers, target.arguments)
            yield _blow_up(target.name, found.rho, settings, last=attempt == settings.restarts)
        raise UnsupportedLayerError(
            f"{target.name} cannot be decomposed with rank {rank}",
            why=f"terms cancel each other (degeneracy {found.rho:.1f} > "
            f"{settings.max_degeneracy:g})",
            next_step="Choose another rank or a larger ridge",
        )

    def thin_layers(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Sequential:
        """Return the thin convolutions that stand for `layer`, without values."""
        rank, scheme = rank_argument(arguments), arguments.get("scheme", "four")
        if not isinstance(layer, nn.Conv2d) or scheme not in ("four", "three"):
            raise InputError(
                "A decomposed layer cannot be rebuilt",
                why=f"{type(layer).__name__} has no scheme {scheme!r}",
                next_step="Get a fresh copy of the file",
            )
        return cp_layers.factor_layers(layer, rank, scheme)


def _rank(layer: nn.Module, settings: CpSettings) -> int:
    # depthwise kernels of other ranks take about twice as long
    return settings.rank or vector_rank(
        cp_layers.budget_rank(convolution(layer), settings.scheme, settings.budget)
    )


def _attempt(
    target: Target, settings: CpSettings, context: ApplyContext, attempt: int
) -> cp_als.Decomposition:
    """Decompose a kernel from another start and with a stronger ridge than the attempt before."""
    shape = cp_layers.modes(convolution(target.layer), settings.scheme)
    kernel = target.layer.weight.detach().cpu().reshape(shape)
    generator = torch.Generator().manual_seed(context.job.seed + 7919 * attempt)
    first = min(settings.ridge * 10**attempt, 1.0)

    def report(step: int, error: float, steps: int) -> None:
        message = f"Decomposing {target.name}: error {error:.3f}"
        context.job.report(min((step + 1) / steps, 1.0), message)

    found = cp_als.decompose(
        kernel,
        cp_als.random_start(shape, target.arguments["rank"], generator),
        sweeps=settings.sweeps,
        ridge=(first, first / 100),
        report=partial(report, steps=settings.sweeps),
    )
    if found.rho > settings.max_degeneracy:
        return found
    polished = cp_polish.polish(
        kernel, found, steps=settings.polish, report=partial(report, steps=settings.polish)
    )
    return polished if polished.rho <= settings.max_degeneracy else found


def _success(target: Target, found: cp_als.Decomposition, attempt: int) -> Note:
    why = f"relative error {found.error:.3f}, degeneracy {found.rho:.2f}, {attempt + 1} tries"
    return Note(what=f"{target.name} decomposed with rank {target.arguments['rank']}", why=why)


def _blow_up(name: str, rho: float, settings: CpSettings, *, last: bool) -> Note:
    return Note(
        level="doctor",
        what=f"Component blow-up: terms of {name} grow while they cancel each other",
        why=f"their norm is {rho:.1f} times the kernel's, above {settings.max_degeneracy:g} "
        "fine-tuning comes apart",
        next_step=f"Set ridge above {settings.ridge:g} or choose a lower rank"
        if last
        else "Tried again from another start with ten times the ridge",
    )


METHOD = Cp()
