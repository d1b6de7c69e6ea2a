"""VGG-S for ordinary machines: the paper's trunk on small faces, with slim dense layers."""

from __future__ import annotations

from torch import nn

from emostudio.core.settings import setting
from emostudio.models.vgg import VggPlan, VggSettings, build_vgg

_FULL_CHANNELS = (96, 256, 512, 512, 512)


class VggSLiteSettings(VggSettings):
    """Settings of the light VGG-S."""

    input_size: int = setting(
        64,
        title="Input size",
        help="Width and height of the face crop.",
        unit="px",
        low=24,
        high=512,
    )
    dense_width: int = setting(
        512, title="Dense width", help="Features of fc6 and fc7.", low=16, high=8192
    )
    width: float = setting(
        1.0,
        title="Channel factor",
        help="Factor on the channels of all convolutions; 0.5 trains about three times faster.",
        low=0.125,
        high=2.0,
    )


class VggSLite:
    """Catalogue entry of the light VGG-S."""

    key = "vgg_s_lite"
    title = "VGG-S lite"
    family = "VGG-S"
    summary = "The paper's VGG-S with dense layers of 512, trainable on a CPU."
    reference = "After Chatfield et al., BMVC 2014"
    settings_type = VggSLiteSettings

    def build(self, settings: VggSLiteSettings) -> nn.Module:
        """Return the network with fresh weights."""
        first, second, third, fourth, fifth = (
            max(8, round(channels * settings.width / 8) * 8) for channels in _FULL_CHANNELS
        )
        plan = VggPlan(
            title="VGG-S lite",
            dense_width=settings.dense_width,
            channels=(first, second, third, fourth, fifth),
        )
        return build_vgg(plan, settings)


ARCHITECTURE = VggSLite()
