"""CNN-S of Chatfield et al., the original VGG-S with local response normalisation."""

from __future__ import annotations

from torch import nn

from emostudio.models.vgg import VggPlan, VggSettings, build_vgg

_PLAN = VggPlan(
    title="CNN-S", normalisation="lrn", conv1_padding=0, conv2_padding=0, dense_width=4096
)


class CnnS:
    """Catalogue entry of CNN-S."""

    key = "cnn_s"
    title = "CNN-S"
    family = "VGG-S"
    summary = "The original VGG-S of 2014, for weights trained on ImageNet."
    reference = "Chatfield et al., Return of the Devil in the Details, BMVC 2014"
    settings_type = VggSettings

    def build(self, settings: VggSettings) -> nn.Module:
        """Return the network with fresh weights."""
        return build_vgg(_PLAN, settings)


ARCHITECTURE = CnnS()
