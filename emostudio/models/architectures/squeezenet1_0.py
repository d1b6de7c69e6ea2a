"""SqueezeNet 1.0: the original, with a 7x7 first convolution and late poolings."""

from __future__ import annotations

from torch import nn

from emostudio.models.fire import SqueezeNetPlan, SqueezeNetSettings, build_squeezenet

_PLAN = SqueezeNetPlan(
    stem_channels=96,
    stem_kernel=7,
    fires=(
        (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256),
    ),
    pools_after=frozenset({"conv1", "fire4", "fire8"}),
)  # fmt: skip


class SqueezeNet10:
    """Catalogue entry of SqueezeNet 1.0."""

    key = "squeezenet1_0"
    title = "SqueezeNet 1.0"
    family = "SqueezeNet"
    summary = "The first SqueezeNet: same size as 1.1, more arithmetic."
    reference = "Iandola et al., arXiv:1602.07360, 2016"
    settings_type = SqueezeNetSettings

    def build(self, settings: SqueezeNetSettings) -> nn.Module:
        """Return the network with fresh weights."""
        return build_squeezenet(_PLAN, settings)


ARCHITECTURE = SqueezeNet10()
