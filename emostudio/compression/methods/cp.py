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
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import nn

from emostudio.compression import cp_als, rules
from emostudio.compression.base import LOW_RANK, ApplyContext, Method, Planned, PlannedTraining
from emostudio.compression.cp_layers import factor_layers, filled_layers, kernel_shape
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.surgery import (
    WeightLayer,
    kernel_size,
    replace_layer,
    skeleton,
    with_structure,
)
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError, UnsupportedLayerError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel

_PAPER: Mapping[str, tuple[tuple[str, ...], int]] = {
    "squeezenet1_1": (("fire8.expand3x3", "fire9.expand3x3"), 192),
}
"""Architecture to the layers and the rank of the 2017 survey."""

_TRAINING: Mapping[str, Any] = {"clip_norm": 1.0}


class CpSettings(FineTuneSettings):
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
    budget: float = setting(
        0.4,
        title="Budget",
        help="Share of a layer's weights that its factors may have, where no rank is given.",
        low=0.01,
        high=1.0,
    )
    epochs: int = setting(
        10,
        title="Fine-tuning epochs",
        help="Passes over the training images once all layers are decomposed.",
        low=0,
        high=1000,
    )
    epochs_per_layer: int = setting(
        1,
        title="Epochs per layer",
        help="Passes after each single layer, which keeps the following ones on course.",
        low=0,
        high=100,
    )
    sweeps: int = setting(
        100, title="Sweeps", help="Most sweeps of the solver.", low=1, high=10_000, advanced=True
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


class Cp(Method[CpSettings]):
    """Replaces convolutions by 1x1, k x 1, 1 x k and 1x1 convolutions of a given rank."""

    key = "cp"
    title = "CP decomposition"
    family = rules.DECOMPOSITION
    summary = "Split k x k convolutions into four thin ones; fewer parameters and multiply-adds."
    reference = "Lebedev et al., ICLR 2015, arXiv:1412.6553"
    settings_type = CpSettings
    claim = ClaimInfo(
        smaller=12.0, faster=4.5, baseline="one layer of AlexNet on ImageNet", source="Table 1"
    )
    leaves = frozenset({LOW_RANK})

    def refuses(self, name: str, layer: nn.Module, settings: CpSettings) -> str:
        """Return why `layer` cannot be decomposed, or nothing."""
        if not isinstance(layer, nn.Conv2d):
            return "not a convolution"
        if layer.groups != 1:
            return "grouped kernels are too small to decompose"
        if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
            return "only numeric zero padding can be split into rows and columns"
        if prod(kernel_size(layer)) < 9:
            return "a 1x1 kernel has no spatial structure; its factors would be larger"
        if settings.layers == "auto" and layer.in_channels <= 3:
            return "the first layer gains next to nothing; name it to decompose it all the same"
        rank = settings.rank or _budget_rank(layer, settings.budget)
        limit = cp_als.break_even_rank(kernel_shape(layer))
        if rank < 1:
            return "the budget leaves no term"
        return f"rank {rank} >= break-even rank {limit}" if rank >= limit else ""

    def plan(self, model: LoadedModel, settings: CpSettings) -> Planned:
        """Predict the network with factors in place of kernels: sizes are exact."""
        selection, chosen = self._choose(model, settings)
        planned = skeleton(model)
        for name, (layer, rank) in chosen.items():
            with torch.device("meta"):
                replace_layer(planned.network(), name, factor_layers(layer, rank))
            planned = _recorded(planned, name, rank)
        return Planned(
            model=planned,
            trainings=_trainings(settings, between=len(chosen) - 1),
            layers=tuple(chosen),
            notes=tuple(f"{name}: rank {rank}" for name, (_, rank) in chosen.items()),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: CpSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Decompose one layer of a copy at a time, fine-tuning in between and at the end."""
        result = model.copy()
        _, chosen = self._choose(result, settings)
        if not chosen:
            raise UnsupportedLayerError("No layer of the network can be decomposed")
        for number, (name, (layer, rank)) in enumerate(chosen.items()):
            yield Progress(fraction=number / len(chosen), message=f"Decomposing {name}")
            factors, note = _solve(name, layer, rank, settings, context.inside(f"layer-{number}"))
            yield note
            replace_layer(result.network(), name, filled_layers(layer, factors))
            result = _recorded(result, name, rank)
            if number < len(chosen) - 1:
                yield from _train(result, _short(settings), context.inside(f"layer-{number}"))
        yield from _train(result, settings, context.inside("all"))
        return result

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return the four convolutions that stand for `layer`, without values."""
        rank = arguments.get("rank")
        if not isinstance(layer, nn.Conv2d) or not isinstance(rank, int) or not 0 < rank <= 65_536:
            raise InputError("A decomposed layer cannot be rebuilt", why=f"its rank is {rank!r}")
        return factor_layers(layer, rank)

    def _choose(
        self, model: LoadedModel, settings: CpSettings
    ) -> tuple[rules.Selection, dict[str, tuple[nn.Conv2d, int]]]:
        settings = _resolved(model, settings)
        selection = rules.select(self, model, settings)
        chosen = {
            name: (layer, settings.rank or _budget_rank(layer, settings.budget))
            for name, layer in selection.layers.items()
            if isinstance(layer, nn.Conv2d)
        }
        return selection, chosen


def _resolved(model: LoadedModel, settings: CpSettings) -> CpSettings:
    """Fill in the survey's layers and rank where the user left the choice to us."""
    layers, rank = _PAPER.get(model.info.architecture, ((), 0))
    if settings.layers != "auto":
        return settings
    if layers and not model.info.structure:
        update = {"layers": " ".join(layers), "rank": settings.rank or rank}
        return settings.model_copy(update=update)
    return settings


def _budget_rank(layer: nn.Conv2d, budget: float) -> int:
    return int(budget * prod(kernel_shape(layer)) / sum(kernel_shape(layer)))


def _train(
    model: LoadedModel, settings: CpSettings, context: ApplyContext
) -> Generator[Event, None, None]:
    if settings.epochs:
        packed = model.coded.keys()
        yield from fine_tune(
            model.network(), model.info, settings, context, fixed=packed, **_TRAINING
        )


def _short(settings: CpSettings) -> CpSettings:
    """Return the training after each layer; without training at the end there is none before."""
    epochs = settings.epochs_per_layer if settings.epochs else 0
    return settings.model_copy(update={"epochs": epochs})


def _trainings(settings: CpSettings, between: int) -> tuple[PlannedTraining, ...]:
    """Return a short training after each layer that another one follows, and the one at the end."""
    short = planned_training(_short(settings), **_TRAINING)
    return (*short * between, *planned_training(settings, **_TRAINING))


def _recorded(model: LoadedModel, name: str, rank: int) -> LoadedModel:
    model = with_structure(
        model, StructureRecord(layer=name, method=Cp.key, arguments={"rank": rank})
    )
    coded = {key: value for key, value in model.coded.items() if key != f"{name}.weight"}
    return replace(model, coded=coded)


def _solve(
    name: str, layer: WeightLayer, rank: int, settings: CpSettings, context: ApplyContext
) -> tuple[cp_als.Factors, Note]:
    """Decompose one kernel, trying again with a stronger ridge where terms cancel.

    Raises
    ------
    UnsupportedLayerError
        If every try ends degenerate.
    """
    kernel = layer.weight.detach().cpu()
    shape = (kernel.shape[0], kernel.shape[1], kernel.shape[2], kernel.shape[3])
    rho = 0.0
    for attempt in range(settings.restarts + 1):
        generator = torch.Generator().manual_seed(context.job.seed + 7919 * attempt)
        first = min(settings.ridge * 10**attempt, 1.0)
        found = cp_als.decompose(
            kernel,
            cp_als.random_start(shape, rank, generator),
            sweeps=settings.sweeps,
            ridge=(first, first / 100),
            report=lambda sweep, error: context.job.report(
                (sweep + 1) / settings.sweeps, f"Decomposing {name}: error {error:.3f}"
            ),
        )
        rho = found.rho
        if rho <= settings.max_degeneracy:
            why = f"relative error {found.error:.3f}, degeneracy {rho:.2f}, {attempt + 1} tries"
            return found.factors, Note(what=f"{name} decomposed with rank {rank}", why=why)
    raise UnsupportedLayerError(
        f"{name} cannot be decomposed with rank {rank}",
        why=f"terms cancel each other (degeneracy {rho:.1f} > {settings.max_degeneracy:g})",
        next_step="Choose another rank or a larger ridge",
    )


METHOD = Cp()
