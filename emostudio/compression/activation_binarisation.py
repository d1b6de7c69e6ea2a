"""What the methods that make activations binary share: blocks, stages and settings."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import (
    BINARY,
    BINARY_INPUTS,
    ApplyContext,
    Method,
    Planned,
    PlannedTraining,
)
from emostudio.compression.binarising import (
    Binariser,
    LatentWeights,
    fixed_names,
    inner_layers,
    one_bit_bytes,
    planned_bits,
    why_not_binary,
)
from emostudio.compression.binary_blocks import (
    BlockDesign,
    Mode,
    Slope,
    absorbed_layers,
    block_from,
    why_no_block,
)
from emostudio.compression.binary_start import begin_balanced
from emostudio.compression.calibration import calibration_inputs
from emostudio.compression.coding import bits
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.graph import LayerGraph
from emostudio.compression.rules import Selection
from emostudio.compression.surgery import replace_layer, skeleton, with_coded, with_structure
from emostudio.core.events import Event, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import CodedTensor, LoadedModel

_ACTIVATION_DECAY = 1e-5
_CALIBRATION_FACES = 256
_RATES = {"recipe": 3e-3, "paper": 1e-3}
_BATCH_SIZES = {"recipe": 64, "paper": 20}
_PAPER: dict[str, Any] = {
    "optimiser": "sgd",
    "weight_decay": 0.0,
    "schedule": "constant",
    "label_smoothing": 0.0,
    "augmentation": False,
    "clip_norm": 0.0,
}
_RECIPE: dict[str, Any] = {"optimiser": "adamw", "warmup_epochs": 3.0, "label_smoothing": 0.0}


class BinaryActivationSettings(FineTuneSettings):
    """Blocks and training of networks with binary activations."""

    layers: str = setting(
        "auto",
        title="Layers",
        help="Layer names or wildcards, separated by blanks or +; auto takes all but the first "
        "and the last, the paper's code took conv2 conv3 conv4 of a VGG-S.",
    )
    mode: Mode = setting(
        "recipe",
        title="Mode",
        help="recipe: blocks and stages that converge; paper: the survey's blocks and training "
        "(SGD at a constant rate, one stage, no teacher), which do not.",
    )
    slope: Slope = setting(
        "triangle",
        title="Slope of the sign",
        help="What the sign's derivative is taken for in training: 2 - 2|x| or 1 within [-1, 1]; "
        "the paper's mode always takes 1.",
        advanced=True,
    )
    input_scaling: bool = setting(
        False,
        title="Input scaling",
        help="Multiply by the mean magnitude of the inputs under the kernel (K of XNOR-Net).",
        advanced=True,
    )
    dropout: float = setting(
        0.1,
        title="Dropout",
        help="Share of outputs dropped in training behind binary linear layers.",
        low=0.0,
        high=0.9,
        advanced=True,
    )
    epochs: int = setting(
        60,
        title="Epochs",
        help="Passes over the training images in the last stage; 0 trains nothing there.",
        low=0,
        high=1000,
    )
    learning_rate: float = setting(
        0.0,
        title="Learning rate",
        help="Peak of every stage; 0 takes 0.003, and 0.001 in the paper's mode. Binary weights "
        "need larger steps than others: a step too small for a sign to flip changes nothing.",
        low=0.0,
        high=1.0,
    )
    batch_size: int = setting(
        0,
        title="Batch size",
        help="Images per step; 0 takes 64, and 20 in the paper's mode.",
        unit="images",
        low=0,
        high=4096,
    )
    distillation_weight: float = setting(
        0.5,
        title="Weight of the teacher",
        help="Share of the loss that follows the recipe's teacher instead of the labels; the "
        "paper's mode has no teacher.",
        low=0.0,
        high=1.0,
    )

    def design(self) -> BlockDesign:
        """Return what the blocks look like."""
        slope: Slope = "clipped" if self.mode == "paper" else self.slope
        return BlockDesign(self.mode, slope, self.input_scaling, float(self.dropout))


class StagedSettings(BinaryActivationSettings):
    """The same for networks whose weights become binary in a second stage."""

    activation_epochs: int = setting(
        60,
        title="First stage",
        help="Passes with binary activations and real weights before the weights become binary "
        "too; the paper's mode has no such stage.",
        unit="epochs",
        low=0,
        high=1000,
    )


@dataclass(frozen=True)
class _Stage:
    """One training: name of its folder, settings, overrides, and whether weights are binary."""

    name: str
    settings: FineTuneSettings
    changes: dict[str, Any]
    is_binary: bool = False


class ActivationBinarisation(Method[Any]):
    """Puts binary blocks in place of layers and trains them in stages.

    Attributes
    ----------
    has_binary_weights
        Whether weights become binary too, in the last stage.
    scaled
        Whether binary filters keep a number of their own.
    """

    family = rules.BINARISATION
    leaves = frozenset({BINARY, BINARY_INPUTS})
    has_binary_weights: bool = True
    scaled: bool = True

    def refuses(self, name: str, layer: nn.Module, settings: Any) -> str:
        """Return why `layer` cannot become a binary block, or nothing."""
        del name
        reason = why_no_block(layer, settings.design())
        if reason or not self.has_binary_weights:
            return reason
        return why_not_binary(layer, self._binariser(settings).level_count)

    @property
    def _speed_note(self) -> str:
        if self.has_binary_weights:
            return "signs are counted by the packed engine; elsewhere they are imitated in float32"
        return "signs are imitated in float32: no time is measured"

    def plan(self, model: LoadedModel, settings: Any) -> Planned:
        """Predict blocks and bits: their sizes are exact."""
        planned = skeleton(model)
        selection = inner_layers(self, planned, settings)
        if selection.layers:
            with torch.device("meta"):
                planned = self._with_blocks(planned, selection, settings)
        coded: dict[str, CodedTensor] = {}
        if self.has_binary_weights and selection.layers:
            coded = planned_bits(_inner(planned, selection), self._binariser(settings))
        trainings: tuple[PlannedTraining, ...] = ()
        for stage in self._stages(settings):
            trainings += planned_training(stage.settings, **stage.changes)
        return Planned(
            model=with_coded(planned, coded),
            trainings=trainings,
            layers=tuple(selection.layers),
            notes=(self._speed_note, *selection.warnings),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: Any, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Put blocks into a copy of `model` and train it, stage by stage."""
        binary = model.copy()
        selection = inner_layers(self, binary, settings)
        yield Progress(message=f"Binarising {len(selection.layers)} layers")
        stages = [stage for stage in self._stages(settings) if stage.settings.epochs]
        binary = self._with_blocks(binary, selection, settings)
        if stages and settings.mode == "recipe":
            faces = calibration_inputs(binary, _CALIBRATION_FACES, context)
            begin_balanced(binary.network(), faces, context.job.report)
        layers, latent = _inner(binary, selection), None
        fixed = fixed_names(binary, ())
        for stage in stages:
            if stage.is_binary:
                latent = self._latent(layers, settings)
            yield from fine_tune(
                binary.network(),
                binary.info,
                stage.settings,
                context.inside(stage.name),
                after_step=None if latent is None else latent.after_step,
                fixed=fixed,
                **stage.changes,
            )
        if not self.has_binary_weights:
            return binary
        return with_coded(binary, (latent or self._latent(layers, settings)).finish())

    def paper_bytes(self, model: LoadedModel) -> int | None:
        """Return the parameters as one bit each, as the survey counts them."""
        return one_bit_bytes(model)

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return the block, or nothing in place of a layer that it took in."""
        return block_from(layer, arguments)

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the two values of every filter in their places."""
        return bits.decode_bits(coded)

    def _binariser(self, settings: Any) -> Binariser:
        gradient = "paper" if settings.mode == "paper" else "exact"
        return Binariser(scaled=self.scaled, gradient=gradient)  # type: ignore[arg-type]  # one of its literals

    def _latent(self, layers: dict[str, nn.Module], settings: Any) -> LatentWeights:
        return LatentWeights(layers, self._binariser(settings), centred=self.scaled)

    def _stages(self, settings: Any) -> tuple[_Stage, ...]:
        automatic = {
            "learning_rate": settings.learning_rate or _RATES[settings.mode],
            "batch_size": settings.batch_size or _BATCH_SIZES[settings.mode],
        }
        settings = settings.model_copy(update=automatic)
        if settings.mode == "paper":
            alone = settings.model_copy(update={"distillation_weight": 0.0})
            return (_Stage("paper", alone, _PAPER, is_binary=self.has_binary_weights),)
        real = {**_RECIPE, "weight_decay": _ACTIVATION_DECAY}
        if not self.has_binary_weights:
            return (_Stage("activations", settings, real),)
        first = settings.model_copy(update={"epochs": settings.activation_epochs})
        return (
            _Stage("activations", first, real),
            _Stage("weights", settings, {**_RECIPE, "weight_decay": 0.0}, is_binary=True),
        )

    def _with_blocks(self, model: LoadedModel, selection: Selection, settings: Any) -> LoadedModel:
        """Put blocks into the model's own network, in place, and write them down."""
        network, design = model.network(), settings.design()
        graph = LayerGraph(network)
        absorbed = {
            name: absorbed_layers(network, graph, name, settings.mode) for name in selection.layers
        }
        for name, layer in selection.layers.items():
            block = block_from(layer, design.arguments()).train(layer.training)
            replace_layer(network, name, block)
            record = StructureRecord(layer=name, method=self.key, arguments=design.arguments())
            model = with_structure(model, record)
            for path in absorbed[name]:
                replace_layer(network, path, nn.Identity())
                record = StructureRecord(layer=path, method=self.key, arguments={})
                model = with_structure(model, record)
        return model


def _inner(model: LoadedModel, selection: Selection) -> dict[str, nn.Module]:
    return {
        f"{name}.layer": model.network().get_submodule(f"{name}.layer") for name in selection.layers
    }
