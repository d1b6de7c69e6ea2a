"""The emotion network of Levi and Hassner, a VGG-S with a 7x7 map before its dense layers."""

from __future__ import annotations

from torch import nn

from emostudio.models.vgg import VggPlan, VggSettings, build_vgg

_PLAN = VggPlan(
    title="Levi-Hassner", normalisation="lrn", lrn_offset=1.0, conv1_padding=0, conv2_padding=2
)


class LeviHassner:
    """Catalogue entry of the Levi-Hassner network."""

    key = "levi_hassner"
    title = "Levi-Hassner"
    family = "VGG-S"
    summary = "The public emotion network the paper started from, 124.5 M parameters."
    reference = "Levi and Hassner, ICMI 2015"
    settings_type = VggSettings

    def build(self, settings: VggSettings) -> nn.Module:
        """Return the network with fresh weights."""
        return build_vgg(_PLAN, settings)


ARCHITECTURE = LeviHassner()
