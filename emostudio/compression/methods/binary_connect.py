"""BinaryConnect: every weight becomes -1 or +1, with nothing beside it.

Use it in networks with batch normalisation, which takes over the scale that the weights lose. The
stochastic kind draws the signs in training, which acts as a regulariser; the finished network has
the plain signs.

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


class BinaryConnect(WeightBinarisation):
    """W = sgn(W); the gradient goes straight through to latent weights within [-1, 1]."""

    key = "binary_connect"
    title = "BinaryConnect"
    summary = "Let every weight be -1 or +1; one bit each, best with batch normalisation."
    reference = "Courbariaux et al., NeurIPS 2015, arXiv:1511.00363"
    settings_type = BinaryConnectSettings

    def binariser(self, settings: BinaryConnectSettings) -> Binariser:
        """Return plain signs."""
        return Binariser(scaled=False, stochastic=settings.signs == "stochastic")


METHOD = BinaryConnect()
