"""XNOR-Net: weights and activations are signs, with one number per filter.

Use it where a bit engine will run the network: a product of signs is one XNOR, and 64 of them fit
into a word. Torch imitates the signs in float32, to train; the packed engine counts them. The
default recipe trains in two stages with shortcuts, learned shifts and a teacher.

The paper's mode repeats what the survey's code does: zeros around the input, normalisation (so that
the border is normalised too), sign, layer, and whatever followed in the network; SGD at a constant
rate without augmentation; and a gradient that lacks the factor n, with which the signs of weights
practically never flip. It does not converge, and is not meant to. One thing differs: the sign of 0
is +1 here, in both modes and everywhere, where the code's is 0, since a bit has two values.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279.
.. [2] Liu et al., "Bi-Real Net", ECCV 2018, arXiv:1808.00278.
.. [3] Liu et al., "ReActNet", ECCV 2020, arXiv:2003.03488.
"""

from __future__ import annotations

from emostudio.compression.activation_binarisation import ActivationBinarisation, StagedSettings
from emostudio.compression.coding import bits
from emostudio.core.answers import ClaimInfo


class XnorSettings(StagedSettings):
    """Blocks, stages and training."""


class Xnor(ActivationBinarisation):
    """y = a (sgn(x) * sgn(W)), times K where it is asked for."""

    key = "xnor"
    title = "XNOR-Net"
    summary = "Make weights and activations signs, trained in two stages; one bit per weight."
    reference = "Rastegari et al., ECCV 2016, arXiv:1603.05279"
    settings_type = XnorSettings
    decided_by = "binary_convolution"
    codecs = (bits.BITS,)
    claim = ClaimInfo(
        smaller=32.0, faster=58.0, baseline="one convolution", source="Rastegari et al. 2016"
    )


METHOD = Xnor()
