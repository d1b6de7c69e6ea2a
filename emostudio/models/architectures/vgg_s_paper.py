"""VGG-S as the survey's authors built it: batch normalisation and dense layers of 4048."""

from __future__ import annotations

from torch import nn

from emostudio.models.vgg import VggPlan, VggSettings, build_vgg

_PLAN = VggPlan(title="VGG-S (paper)")


class VggSPaper:
    """Catalogue entry of the paper's VGG-S."""

    key = "vgg_s_paper"
    title = "VGG-S (paper)"
    family = "VGG-S"
    summary = "The paper's large network, 97.6 M parameters; 93 % of them in dense layers."
    reference = "Rassadin and Savchenko, 2017; Chatfield et al., BMVC 2014"
    settings_type = VggSettings

    def build(self, settings: VggSettings) -> nn.Module:
        """Return the network with fresh weights."""
        return build_vgg(_PLAN, settings)


ARCHITECTURE = VggSPaper()
