"""What the methods that make only weights binary share."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import BINARY, ApplyContext, Method, Planned
from emostudio.compression.binarising import (
    Binariser,
    LatentWeights,
    fixed_names,
    inner_layers,
    one_bit_bytes,
    planned_bits,
    why_not_binary,
)
from emostudio.compression.coding import bits
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.surgery import skeleton, with_coded
from emostudio.core.events import Event, Progress
from emostudio.core.settings import setting
from emostudio.models.loaded import CodedTensor, LoadedModel

TRAINING: Mapping[str, Any] = {"optimiser": "adamw", "weight_decay": 0.0, "warmup_epochs": 3.0}
"""No weight decay: it would only pull latent weights to the sign's edge."""


class BinaryWeightSettings(FineTuneSettings):
    """Which layers become binary, and how long they are trained."""

    layers: str = setting(
        "auto",
        title="Layers",
        help="Layer names or wildcards, separated by blanks or +; auto takes all but the first "
        "and the last, the paper's code took conv2 conv3 conv4 of a VGG-S.",
    )
    epochs: int = setting(
        60,
        title="Epochs",
        help="Passes over the training images; 0 rounds the weights without any training.",
        low=0,
        high=1000,
    )


class WeightBinarisation(Method[Any]):
    """Trains latent weights; layers keep their kind and hold two values per filter at the end."""

    family = rules.BINARISATION
    leaves = frozenset({BINARY})
    codecs = (bits.BITS,)

    def binariser(self, settings: Any) -> Binariser:
        """Return what the settings stand for."""
        raise NotImplementedError

    def refuses(self, name: str, layer: nn.Module, settings: Any) -> str:
        """Return why the weights of `layer` cannot be binary, or nothing."""
        del name
        return why_not_binary(layer, self.binariser(settings).level_count)

    def plan(self, model: LoadedModel, settings: Any) -> Planned:
        """Predict the bits: their sizes are exact."""
        selection = inner_layers(self, model, settings)
        layers: dict[str, nn.Module] = dict(selection.layers)
        coded = planned_bits(layers, self.binariser(settings))
        return Planned(
            model=with_coded(skeleton(model), coded),
            trainings=planned_training(settings, **TRAINING),
            layers=tuple(layers),
            notes=selection.warnings,
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: Any, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Train latent weights of a copy of `model`, then leave the binary ones in it."""
        binary = model.copy()
        layers: dict[str, nn.Module] = dict(inner_layers(self, binary, settings).layers)
        yield Progress(message=f"Binarising {len(layers)} layers")
        centred = bool(getattr(settings, "centred", False))
        latent = LatentWeights(layers, self.binariser(settings), centred=centred)
        if settings.epochs:
            yield from fine_tune(
                binary.network(),
                binary.info,
                settings,
                context,
                after_step=latent.after_step,
                fixed=fixed_names(binary, layers),
                **TRAINING,
            )
        return with_coded(binary, latent.finish())

    def paper_bytes(self, model: LoadedModel) -> int | None:
        """Return the parameters as one bit each, as the survey counts them."""
        return one_bit_bytes(model)

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the two values of every filter in their places."""
        return bits.decode_bits(coded)
