"""BinaryConnect: every weight becomes a sign times a constant of its layer.

Use it where one bit per weight is enough and filters need no scale of their own. The constant is
the layer's Glorot coefficient; plain -1 and +1 need batch normalisation behind every binary layer
to take over the scale that the weights lose. The stochastic kind draws the signs in training, which
acts as a regulariser; the finished network has the plain signs.

References
----------
.. [1] Courbariaux, Bengio and David, "BinaryConnect: training deep neural networks with binary
   weights during propagations", NeurIPS 2015, arXiv:1511.00363.
"""

from __future__ import annotations

from typing import Literal

from emostudio.compression.binarising import Binariser
from emostudio.compression.weight_binarisation import BinaryWeightSettings, WeightBinarisation
from emostudio.core.settings import setting


class BinaryConnectSettings(BinaryWeightSettings):
    """How signs are chosen in training."""

    signs: Literal["deterministic", "stochastic"] = setting(
        "deterministic",
        title="Signs",
        help="deterministic: the sign of the latent weight; stochastic: drawn in training, +1 "
        "with probability (w + 1) / 2.",
    )
    scale: Literal["glorot", "one"] = setting(
        "glorot",
        title="Size of the weights",
        help="glorot: a constant per layer keeps the outputs in bounds; one: plain -1 and +1, for "
        "networks with batch normalisation behind every binary layer.",
    )


class BinaryConnect(WeightBinarisation):
    """W = h sgn(W); the gradient goes straight through to latent weights within [-1, 1]."""

    key = "binary_connect"
    title = "BinaryConnect"
    summary = "Let every weight be a sign times a constant of its layer; one bit each."
    reference = "Courbariaux et al., NeurIPS 2015, arXiv:1511.00363"
    settings_type = BinaryConnectSettings
    decided_by = "binary_weight_convolution"

    def binariser(self, settings: BinaryConnectSettings) -> Binariser:
        """Return signs, drawn or not, with or without the constant."""
        return Binariser(
            scaled=False,
            constant=settings.scale == "glorot",
            stochastic=settings.signs == "stochastic",
        )


METHOD = BinaryConnect()
