"""INT8 after training: weights and activations rounded to 8 bits, without another epoch.

Use it for a quarter of the size and for integer kernels on ONNX Runtime. Weights get a scale per
output channel, activations one per tensor from calibration faces. Where accuracy suffers, train
the rounding in with int8_qat.

References
----------
.. [1] Jacob et al., "Quantization and training of neural networks for efficient
   integer-arithmetic-only inference", CVPR 2018, arXiv:1712.05877.
.. [2] Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference",
   arXiv:1806.08342.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from emostudio.compression.base import ApplyContext
from emostudio.compression.coding import int8
from emostudio.compression.quantisation import QuantisationMethod, quantised
from emostudio.compression.quantisation_layout import QuantisationSettings
from emostudio.core.events import Event
from emostudio.models.loaded import CodedTensor, LoadedModel


class PtqSettings(QuantisationSettings):
    """Nothing to set but the layers and the calibration."""


class Int8Ptq(QuantisationMethod):
    """Rounds a trained network to INT8."""

    key = "int8_ptq"
    title = "INT8 after training"
    summary = "Round weights and activations to 8 bits; real integer kernels on ONNX Runtime."
    reference = "Jacob et al., CVPR 2018, arXiv:1712.05877"
    settings_type = PtqSettings
    decided_by = "int8_convolution"
    codecs = (int8.INT8,)

    def apply(
        self, model: LoadedModel, settings: PtqSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Fold, calibrate and round a copy of `model`."""
        return (yield from quantised(self, model.copy(), settings, context))

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the values of a tensor of 8-bit integers."""
        return int8.decode_int8(coded)


METHOD = Int8Ptq()
