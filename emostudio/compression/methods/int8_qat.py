"""INT8 with the rounding trained in: the network learns to live with 8 bits.

Use it where int8_ptq loses accuracy. It starts from the trained network, rounds in every forward
pass, and lets gradients through inside each range. Ranges are frozen after 40 % of the training,
batch statistics after 60 %; batch normalisations are folded when the training is over.

References
----------
.. [1] Jacob et al., "Quantization and training of neural networks for efficient
   integer-arithmetic-only inference", CVPR 2018, arXiv:1712.05877.
.. [2] Krishnamoorthi, arXiv:1806.08342, section 4 (freezing).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from emostudio.compression import quantisation_training
from emostudio.compression.base import ApplyContext, PlannedTraining
from emostudio.compression.calibration import calibration_inputs, observed_ranges
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.quantisation import QuantisationMethod, bit_width_of, quantised
from emostudio.compression.quantisation_layout import QuantisationSettings, lay_out
from emostudio.compression.surgery import skeleton
from emostudio.core.events import Event
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel


class QatSettings(QuantisationSettings, FineTuneSettings):
    """Calibration as without training, and the training."""

    epochs: int = setting(
        5, title="Epochs", help="Passes over the training images; 5 to 10 are usual.",
        low=0, high=1000,
    )  # fmt: skip
    learning_rate: float = setting(
        1e-4,
        title="Learning rate",
        help="A hundredth of that of the first training.",
        low=1e-7,
        high=1.0,
    )
    freeze_ranges_after: float = setting(
        0.4,
        title="Freeze ranges after",
        help="Share of the training after which ranges of activations stay as they are.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    freeze_statistics_after: float = setting(
        0.6,
        title="Freeze batch statistics after",
        help="Share of the training after which batch normalisations use fixed statistics.",
        low=0.0,
        high=1.0,
        advanced=True,
    )


class Int8Qat(QuantisationMethod):
    """Trains a network with the rounding in, then rounds it to INT8."""

    key = "int8_qat"
    title = "INT8 in training"
    summary = "Train a few epochs with 8-bit rounding in every pass, then store 8-bit integers."
    reference = "Jacob et al., CVPR 2018, arXiv:1712.05877"
    settings_type = QatSettings
    decided_by = "int8_convolution"

    def trainings(self, model: LoadedModel, settings: Any) -> tuple[PlannedTraining, ...]:
        """Return the training with rounding: of the layers before they are folded."""
        names, bare = tuple(lay_out(self, model, settings).layers), skeleton(model)
        ranges = {(name, "input"): (0.0, 1.0) for name in names}
        quantisation_training.prepare(bare.network(), names, ranges, bit_width_of(settings))
        return tuple(replace(training, model=bare) for training in planned_training(settings))

    def apply(
        self, model: LoadedModel, settings: QatSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Train a copy of `model` with rounding, then fold and round it."""
        result = model.copy()
        if not settings.epochs:
            return (yield from quantised(self, result, settings, context))
        layout, network = lay_out(self, result, settings), result.network()
        names, sites = tuple(layout.layers), {(name, "input") for name in layout.layers}
        inputs = calibration_inputs(result, settings.calibration_images, context)
        report = context.job.report
        ranges = yield from observed_ranges(network, sites, inputs, settings.calibration, report)
        quantisation_training.prepare(network, names, ranges, bit_width_of(settings))
        after_step = quantisation_training.freezing(
            network, settings.freeze_ranges_after, settings.freeze_statistics_after
        )
        packed = {name for name in result.coded if name.removesuffix(".weight") not in names}
        yield from fine_tune(
            network, result.info, settings, context, after_step=after_step, fixed=packed
        )
        trained = quantisation_training.restore(network, names)
        return (yield from quantised(self, result, settings, context, trained))


METHOD = Int8Qat()
