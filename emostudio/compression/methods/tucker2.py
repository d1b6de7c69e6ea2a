"""Tucker-2 decomposition: a k x k convolution becomes 1x1, a smaller k x k core and 1x1.

Use it where CP comes apart: the factors are orthonormal, so nothing cancels, and the core stays an
ordinary convolution that runs fast. Ranks come from a budget, from the weights themselves
(variational Bayes) or from the user. Fully connected layers and 1x1 convolutions have no window:
asked for by name, they get two factors by plain SVD.

References
----------
.. [1] Kim et al., "Compression of deep convolutional neural networks for fast and low power mobile
   applications", ICLR 2016, arXiv:1511.06530.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from math import prod, sqrt
from typing import Any, Literal

from torch import nn

from emostudio.compression import svd_layers, tucker_hooi, tucker_layers
from emostudio.compression.base import ApplyContext
from emostudio.compression.decomposition import (
    DecompositionMethod,
    DecompositionSettings,
    Factored,
    Target,
    left_alone,
)
from emostudio.compression.evbmf import clamped_rank, evbmf_rank
from emostudio.compression.factor_layers import (
    convolution,
    decomposable,
    kernel_shape,
    rank_argument,
    why_unsplittable,
)
from emostudio.compression.subspaces import energies_of, while_reporting
from emostudio.compression.surgery import WeightLayer
from emostudio.core.events import Event, Note
from emostudio.core.settings import setting

Arguments = dict[str, Any]


class TuckerSettings(DecompositionSettings):
    """Which layers, how thin, and how they are trained afterwards."""

    rank_from: Literal["budget", "vbmf"] = setting(
        "budget",
        title="Ranks from",
        help="Budget keeps the same share of both sides of all layers; vbmf keeps what stands out "
        "of the noise in each layer's weights.",
    )
    vbmf_factor: float = setting(
        1.0,
        title="VBMF factor",
        help="Multiplies the ranks found by variational Bayes, which tends to cut deep.",
        low=0.1,
        high=10.0,
        advanced=True,
    )
    in_rank: int = setting(
        0,
        title="Rank of the inputs",
        help="Input channels of the core; 0 takes them from the budget or the weights.",
        low=0,
        high=16_384,
    )
    out_rank: int = setting(
        0,
        title="Rank of the outputs",
        help="Output channels of the core; 0 takes them from the budget or the weights.",
        low=0,
        high=16_384,
    )
    sweeps: int = setting(
        50, title="Sweeps", help="Most sweeps of the solver.", low=1, high=10_000, advanced=True
    )


class Tucker2(DecompositionMethod[TuckerSettings]):
    """Replaces convolutions by 1x1, core and 1x1 convolutions."""

    key = "tucker2"
    title = "Tucker-2 decomposition"
    summary = "Split k x k convolutions into 1x1, a smaller core and 1x1; stable, often faster."
    reference = "Kim et al., ICLR 2016, arXiv:1511.06530"
    settings_type = TuckerSettings
    decided_by = "tucker_convolution"

    def refuses(self, name: str, layer: nn.Module, settings: TuckerSettings) -> str:
        """Return why `layer` cannot be decomposed, or nothing."""
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            return "neither a convolution nor fully connected"
        reason = why_unsplittable(layer) if isinstance(layer, nn.Conv2d) else ""
        if reason:
            return reason
        if settings.layers == "auto" and svd_layers.is_matrix(layer):
            return "no k x k window; name the layer for two factors, or use svd"
        if settings.layers == "auto" and layer.weight.shape[1] <= 3:
            return "the first layer gains next to nothing; name it to decompose it all the same"
        if self.waits_for_values(settings):
            return ""
        return _why_refused(layer, self.arguments(layer, settings))

    def waits_for_values(self, settings: TuckerSettings) -> bool:
        """Whether a rank follows from the weights."""
        return settings.rank_from == "vbmf" and not (settings.in_rank and settings.out_rank)

    def arguments(self, layer: WeightLayer, settings: TuckerSettings) -> Arguments:
        """Return the ranks of the core, or the one rank of a matrix."""
        checked = decomposable(layer)
        if not isinstance(checked, nn.Conv2d) or svd_layers.is_matrix(checked):
            rank = svd_layers.budget_rank(checked, settings.budget)
            guess = max(rank, 1) if self.waits_for_values(settings) else rank
            return _matrix_arguments(guess, settings)
        ranks = tucker_hooi.budget_ranks(kernel_shape(checked), settings.budget)
        return _core_arguments(checked, ranks, settings)

    def at_rank(self, layer: WeightLayer, rank: int, settings: TuckerSettings) -> Arguments:
        """Return the ranks of the core for one of its outputs, the same share of both sides."""
        del settings
        checked = decomposable(layer)
        if not isinstance(checked, nn.Conv2d) or svd_layers.is_matrix(checked):
            return {"rank": rank}
        share = rank / checked.out_channels
        return {"out_rank": rank, "in_rank": max(round(share * checked.in_channels), 1)}

    def rank_of(self, layer: WeightLayer, arguments: Mapping[str, Any]) -> int:
        """Return the rank of the outputs; other shares of both sides count by their mean."""
        if "rank" in arguments:
            return int(arguments["rank"])
        checked = convolution(layer)
        share = arguments["in_rank"] / checked.in_channels
        return max(round(sqrt(arguments["out_rank"] * share * checked.out_channels)), 1)

    def size_limit(self, layer: WeightLayer, settings: TuckerSettings) -> int:
        """Return about the rank of the outputs whose core and factors are as large as the layer."""
        del settings
        checked = decomposable(layer)
        if not isinstance(checked, nn.Conv2d) or svd_layers.is_matrix(checked):
            return svd_layers.break_even_rank(checked)
        return tucker_hooi.budget_ranks(kernel_shape(checked), 1.0)[0]

    def factorise(
        self, target: Target, settings: TuckerSettings, context: ApplyContext
    ) -> Generator[Event, None, Factored | None]:
        """Return the thin layers, or None where the weights need too high ranks."""

        def report() -> None:
            context.job.report(0.0, f"Decomposing {target.name}")

        layer, arguments = decomposable(target.layer), target.arguments
        if self.waits_for_values(settings):
            arguments = while_reporting(lambda: _arguments_by_vbmf(layer, settings), report)
            if reason := _why_refused(layer, arguments):
                yield left_alone(target.name, reason)
                return None
        if "rank" in arguments:
            layers, kept = while_reporting(
                lambda: svd_layers.split(layer, arguments["rank"]), report
            )
        else:
            layers, kept = _split_kernel(target, arguments, settings, context)
        yield Note(
            what=f"{target.name} decomposed with rank {' x '.join(map(str, arguments.values()))}",
            why=f"keeps {kept:.1%} of its energy",
        )
        return Factored(layers, arguments)

    def thin_layers(self, layer: nn.Module, arguments: Arguments) -> nn.Sequential:
        """Return the thin layers that stand for `layer`, without values."""
        checked = decomposable(layer)
        if not isinstance(checked, nn.Conv2d) or svd_layers.is_matrix(checked):
            return svd_layers.factor_layers(checked, rank_argument(arguments))
        ranks = (rank_argument(arguments, "out_rank"), rank_argument(arguments, "in_rank"))
        return tucker_layers.factor_layers(checked, *ranks)


def _split_kernel(
    target: Target, arguments: Arguments, settings: TuckerSettings, context: ApplyContext
) -> tuple[nn.Sequential, float]:
    """Return the three convolutions with values, and the share of the energy they keep."""
    layer = convolution(target.layer)
    parts = tucker_hooi.decompose(
        layer.weight,
        (arguments["out_rank"], arguments["in_rank"]),
        sweeps=settings.sweeps,
        report=lambda sweep, error: context.job.report(
            (sweep + 1) / settings.sweeps, f"Decomposing {target.name}: error {error:.3f}"
        ),
    )
    return tucker_layers.filled_layers(layer, parts), 1 - parts.errors[-1] ** 2


def _core_arguments(
    layer: nn.Conv2d, ranks: tuple[int, int], settings: TuckerSettings
) -> Arguments:
    out_rank, in_rank = settings.out_rank or ranks[0], settings.in_rank or ranks[1]
    return {
        "out_rank": min(out_rank, layer.out_channels),
        "in_rank": min(in_rank, layer.in_channels),
    }


def _matrix_arguments(rank: int, settings: TuckerSettings) -> Arguments:
    given = [rank for rank in (settings.in_rank, settings.out_rank) if rank]
    return {"rank": min(given) if given else rank}


def _arguments_by_vbmf(layer: nn.Conv2d | nn.Linear, settings: TuckerSettings) -> Arguments:
    if isinstance(layer, nn.Conv2d) and not svd_layers.is_matrix(layer):
        ranks = tucker_hooi.vbmf_ranks(layer.weight, settings.vbmf_factor)
        return _core_arguments(layer, ranks, settings)
    matrix = svd_layers.weight_matrix(layer)
    rank = evbmf_rank(energies_of(matrix).sqrt().numpy(), *matrix.shape)
    return _matrix_arguments(clamped_rank(rank, min(matrix.shape), settings.vbmf_factor), settings)


def _why_refused(layer: nn.Conv2d | nn.Linear, arguments: Arguments) -> str:
    """Return why the ranks are no use for the layer, or nothing."""
    if "rank" in arguments or not isinstance(layer, nn.Conv2d):
        return svd_layers.why_rank_refused(layer, arguments["rank"])
    shape = kernel_shape(layer)
    needed = tucker_hooi.parameter_count(shape, arguments["out_rank"], arguments["in_rank"])
    if needed < prod(shape):
        return ""
    ranks = f"{arguments['out_rank']} x {arguments['in_rank']}"
    return f"ranks {ranks} >= break-even: {needed} weights instead of {prod(shape)}"


METHOD = Tucker2()
