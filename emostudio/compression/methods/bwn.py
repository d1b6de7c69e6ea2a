"""Binary-Weight-Network: every filter becomes its signs times one number.

Use it where the file has to shrink most: a weight takes one bit, and a filter one float32 besides.
The arithmetic stays float32, so nothing gets faster. The evaluated network is the one in the file:
the real-valued weights exist in training only.

Of the non-linear mappings in [2]_, those with two values per filter are offered, since these alone
take one bit per weight. Its power function |W|^b sgn(W), its rounding and its noise have more
values or draw them anew at every pass: one bit could hold only another network than the one that
was trained.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, section 3.1.
.. [2] Merolla et al., "Deep neural networks are robust to weight binarization and other
   non-linear distortions", arXiv:1606.01981, 2016 (other mappings than the sign).
"""

from __future__ import annotations

from torch import nn

from emostudio.compression.binarising import Binariser, Gradient, Mapping
from emostudio.compression.weight_binarisation import BinaryWeightSettings, WeightBinarisation
from emostudio.core.answers import ClaimInfo
from emostudio.core.settings import setting


class BwnSettings(BinaryWeightSettings):
    """The two values of a filter, and how their gradient is taken."""

    mapping: Mapping = setting(
        "sign",
        title="Mapping",
        help="sign: plus or minus the mean magnitude; zero_one: 0 or the mean of the positive "
        "weights; median: the means of the lower and the upper half (two floats per filter).",
    )
    gradient: Gradient = setting(
        "exact",
        title="Gradient",
        help="exact: of the mapping; paper: as the survey's code, too small by the number of "
        "weights of a filter; reference: with that factor. The last two need the sign.",
        advanced=True,
    )
    centred: bool = setting(
        True,
        title="Centred weights",
        help="Take the mean over the input channels off the latent weights at each step.",
        advanced=True,
    )


class Bwn(WeightBinarisation):
    """W = a sgn(W) with a = mean|W|, which is optimal in the least-squares sense."""

    key = "bwn"
    title = "Binary weights (BWN)"
    summary = "Keep only the sign of each weight and one number per filter; one bit per weight."
    reference = "Rastegari et al., ECCV 2016, arXiv:1603.05279, section 3.1"
    settings_type = BwnSettings
    decided_by = "binary_weight_convolution"
    claim = ClaimInfo(smaller=32.0, baseline="AlexNet on ImageNet", source="Rastegari et al. 2016")

    def binariser(self, settings: BwnSettings) -> Binariser:
        """Return scaled signs, or another mapping."""
        return Binariser(mapping=settings.mapping, gradient=settings.gradient)

    def refuses(self, name: str, layer: nn.Module, settings: BwnSettings) -> str:
        """Return why the weights of `layer` cannot be binary with these settings, or nothing."""
        if settings.mapping != "sign" and settings.gradient != "exact":
            return (
                f"the {settings.gradient} gradient is that of the sign; take the exact one for "
                f"the mapping {settings.mapping}"
            )
        return super().refuses(name, layer, settings)


METHOD = Bwn()
