"""SqueezeNet 1.1: the paper's small network, with 2.4 times less arithmetic than 1.0."""

from __future__ import annotations

from torch import nn

from emostudio.models.fire import SqueezeNetPlan, SqueezeNetSettings, build_squeezenet

_PLAN = SqueezeNetPlan(
    stem_channels=64,
    stem_kernel=3,
    fires=(
        (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256),
    ),
    pools_after=frozenset({"conv1", "fire3", "fire5"}),
)  # fmt: skip


class SqueezeNet11:
    """Catalogue entry of SqueezeNet 1.1."""

    key = "squeezenet1_1"
    title = "SqueezeNet 1.1"
    family = "SqueezeNet"
    summary = "Small fully convolutional network of fire modules; the paper's student."
    reference = "Iandola et al., arXiv:1602.07360, 2016"
    settings_type = SqueezeNetSettings

    def build(self, settings: SqueezeNetSettings) -> nn.Module:
        """Return the network with fresh weights."""
        return build_squeezenet(_PLAN, settings)


ARCHITECTURE = SqueezeNet11()
