"""Truncated SVD: one layer becomes two thin ones.

Use it on fully connected layers and 1x1 convolutions, where it is the best approximation of its
rank there is; it takes seconds and needs little fine-tuning. The spatial scheme does the same to
k x k convolutions, which become k x 1 and 1 x k.

References
----------
.. [1] Denton et al., "Exploiting linear structure within convolutional networks for efficient
   evaluation", NeurIPS 2014, arXiv:1404.0736.
.. [2] Jaderberg et al., "Speeding up convolutional neural networks with low rank expansions",
   BMVC 2014, arXiv:1405.3866.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from torch import nn

from emostudio.compression import svd_layers
from emostudio.compression.base import ApplyContext
from emostudio.compression.decomposition import (
    DecompositionMethod,
    DecompositionSettings,
    Factored,
    Target,
    left_alone,
)
from emostudio.compression.factor_layers import decomposable, rank_argument, why_unsplittable
from emostudio.compression.subspaces import energies_of, rank_for_energy, while_reporting
from emostudio.compression.surgery import WeightLayer
from emostudio.core.events import Event, Note
from emostudio.core.settings import setting

_FEW = 16


class SvdSettings(DecompositionSettings):
    """Which layers, how thin, and how they are trained afterwards."""

    layers: str = setting(
        "auto",
        title="Layers",
        help="Layer names or wildcards; auto takes every layer the scheme covers that has at "
        "least 16 inputs and outputs.",
    )
    scheme: Literal["matrix", "spatial"] = setting(
        "matrix",
        title="Scheme",
        help="Matrix takes fully connected layers and 1x1 convolutions; spatial also splits k x k "
        "convolutions into k x 1 and 1 x k.",
    )
    rank_from: Literal["budget", "energy"] = setting(
        "budget",
        title="Rank from",
        help="Budget gives all layers the same share of their weights; energy gives each what its "
        "values need.",
    )
    energy: float = setting(
        0.9,
        title="Energy",
        help="Share of a layer's squared weights to keep, where the rank comes from the energy.",
        low=0.01,
        high=1.0,
    )
    rank: int = setting(
        0,
        title="Rank",
        help="The same for all chosen layers; 0 takes it from the budget or the energy.",
        low=0,
        high=16_384,
    )


class Svd(DecompositionMethod[SvdSettings]):
    """Replaces layers by two of a given rank."""

    key = "svd"
    title = "Truncated SVD"
    summary = "Split fully connected layers and convolutions into two thin ones; quick and stable."
    reference = "Denton et al., NeurIPS 2014, arXiv:1404.0736; Jaderberg et al., BMVC 2014"
    settings_type = SvdSettings
    decided_by = "svd_linear"

    def refuses(self, name: str, layer: nn.Module, settings: SvdSettings) -> str:
        """Return why `layer` cannot be decomposed, or nothing."""
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            return "neither a convolution nor fully connected"
        reason = why_unsplittable(layer) if isinstance(layer, nn.Conv2d) else ""
        if reason:
            return reason
        if settings.scheme == "matrix" and not svd_layers.is_matrix(layer):
            return "a k x k convolution; set scheme to spatial, or use tucker2 or cp"
        if settings.layers == "auto" and min(layer.weight.shape[:2]) < _FEW:
            return (
                f"fewer than {_FEW} inputs or outputs leave no rank to spare; name the layer to "
                "decompose it all the same"
            )
        if self.waits_for_values(settings):
            return ""
        return svd_layers.why_rank_refused(layer, _planned_rank(layer, settings))

    def waits_for_values(self, settings: SvdSettings) -> bool:
        """Whether the rank follows the energy of the weights."""
        return not settings.rank and settings.rank_from == "energy"

    def arguments(self, layer: WeightLayer, settings: SvdSettings) -> dict[str, Any]:
        """Return the rank."""
        return {"rank": max(_planned_rank(decomposable(layer), settings), 1)}

    def at_rank(self, layer: WeightLayer, rank: int, settings: SvdSettings) -> dict[str, Any]:
        """Return the rank."""
        del layer, settings
        return {"rank": rank}

    def size_limit(self, layer: WeightLayer, settings: SvdSettings) -> int:
        """Return the smallest rank whose factors have no fewer weights than the layer."""
        del settings
        return svd_layers.break_even_rank(decomposable(layer))

    def factorise(
        self, target: Target, settings: SvdSettings, context: ApplyContext
    ) -> Generator[Event, None, Factored | None]:
        """Return the two layers, or None where the energy needs too high a rank."""
        layer, rank = decomposable(target.layer), target.arguments["rank"]

        def report() -> None:
            context.job.report(0.0, f"Decomposing {target.name}")

        if self.waits_for_values(settings):
            matrix = svd_layers.weight_matrix(layer)
            energies = while_reporting(lambda: energies_of(matrix), report)
            rank = rank_for_energy(energies, settings.energy)
            reason = svd_layers.why_rank_refused(layer, rank)
            if reason:
                why = f"{settings.energy:.0%} of its energy need {reason}"
                yield left_alone(target.name, why)
                return None
        layers, kept = while_reporting(lambda: svd_layers.split(layer, rank), report)
        yield Note(
            what=f"{target.name} decomposed with rank {rank}", why=f"keeps {kept:.1%} of its energy"
        )
        return Factored(layers, {"rank": rank})

    def thin_layers(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Sequential:
        """Return the two layers that stand for `layer`, without values."""
        return svd_layers.factor_layers(decomposable(layer), rank_argument(arguments))


def _planned_rank(layer: nn.Conv2d | nn.Linear, settings: SvdSettings) -> int:
    return settings.rank or svd_layers.budget_rank(layer, settings.budget)


METHOD = Svd()
