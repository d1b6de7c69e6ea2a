"""Binary activations only: inputs of layers are signs, weights stay float32.

Use it to see what binary activations alone cost: the last row of the survey's Table 2. The file is
no smaller, since a product with a sign is an addition of the float32 weight.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279.
.. [2] Rassadin and Savchenko, "Deep neural networks performance optimization in image
   recognition", 2017, Table 2.
"""

from __future__ import annotations

from emostudio.compression.activation_binarisation import (
    ActivationBinarisation,
    BinaryActivationSettings,
)
from emostudio.compression.base import BINARY_INPUTS
from emostudio.core.machine_card import BENCHMARK


class BinaryActivationsSettings(BinaryActivationSettings):
    """Blocks and training."""


class BinaryActivations(ActivationBinarisation):
    """y = sgn(x) * W: sums of plus and minus the weights."""

    key = "binary_activations"
    title = "Binary activations"
    summary = "Make only the activations signs; the weights and the file stay as large as before."
    reference = "Rassadin and Savchenko 2017, Table 2"
    settings_type = BinaryActivationsSettings
    decided_by = BENCHMARK
    has_binary_weights = False
    leaves = frozenset({BINARY_INPUTS})


METHOD = BinaryActivations()
