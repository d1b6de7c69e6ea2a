"""BinaryNet: weights and activations are -1 or +1, with no number beside them.

Use it like XNOR-Net where even a number per filter is too much; batch normalisation carries the
scale. The first layer keeps its real input and weights, the last its real weights.

References
----------
.. [1] Courbariaux et al., "Binarized neural networks: training deep neural networks with weights
   and activations constrained to +1 or -1", arXiv:1602.02830, 2016.
"""

from __future__ import annotations

from emostudio.compression.activation_binarisation import ActivationBinarisation, StagedSettings
from emostudio.compression.binary_blocks import Slope
from emostudio.compression.coding import bits
from emostudio.core.settings import setting


class BinaryNetSettings(StagedSettings):
    """Blocks, stages and training."""

    slope: Slope = setting(
        "clipped",
        title="Slope of the sign",
        help="What the sign's derivative is taken for in training: 1 (as published) or 2 - 2|x| "
        "within [-1, 1]; the paper's mode always takes 1.",
        advanced=True,
    )


class BinaryNet(ActivationBinarisation):
    """y = sgn(x) * sgn(W); the gradient goes straight through to weights within [-1, 1]."""

    key = "binary_net"
    title = "BinaryNet"
    summary = "Make weights and activations -1 or +1 without any scale; one bit per weight."
    reference = "Courbariaux et al., arXiv:1602.02830"
    settings_type = BinaryNetSettings
    decided_by = "binary_convolution"
    codecs = (bits.BITS,)
    scaled = False


METHOD = BinaryNet()
