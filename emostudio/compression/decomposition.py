"""What CP, Tucker and SVD share: choosing layers, planning, the layer by layer loop, records.

One layer is replaced at a time, with a short training in between, which keeps the following ones
on course; at the end all are trained together.

References
----------
.. [1] Astrid and Lee, "CP-decomposition with tensor power method for convolutional neural
   networks compression", arXiv:1701.07148 (one layer at a time).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import nn

from emostudio.compression import break_even, rules, timed_layers
from emostudio.compression.base import LOW_RANK, ApplyContext, Method, Planned, PlannedTraining
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.neutral_norm import add_norm, settle
from emostudio.compression.surgery import WeightLayer, replace_layer, skeleton, with_structure
from emostudio.core.errors import UnsupportedLayerError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.loaded import LoadedModel
from emostudio.training.batches import Batches

_TRAINING: Mapping[str, Any] = {"clip_norm": 1.0}
_NORM = "batch_norm"
_NORM_BATCHES = 4


class DecompositionSettings(FineTuneSettings):
    """Which layers, how thin, and how they are trained afterwards."""

    layers: str = setting(
        "auto",
        title="Layers",
        help="Layer names or wildcards; auto takes every convolution of 3x3 and larger behind the "
        "first.",
    )
    budget: float = setting(
        0.4,
        title="Budget",
        help="Share of a layer's weights that its factors may have, where no rank is given.",
        low=0.01,
        high=1.0,
    )
    epochs: int = setting(
        10,
        title="Fine-tuning epochs",
        help="Passes over the training images once all layers are decomposed.",
        low=0,
        high=1000,
    )
    epochs_per_layer: int = setting(
        1,
        title="Epochs per layer",
        help="Passes after each single layer, which keeps the following ones on course.",
        low=0,
        high=100,
    )
    batch_norm: bool = setting(
        False,
        title="Batch normalisation",
        help="Put one behind the last factor of each layer; helps training where the network has "
        "none there.",
        advanced=True,
    )
    size_only: bool = setting(
        False,
        title="Size only",
        help="Decompose even the layers whose factors were measured slower on this machine.",
    )


SettingsT = TypeVar("SettingsT", bound=DecompositionSettings)


@dataclass(frozen=True)
class Target:
    """A layer about to be replaced, and the arguments planned for its record."""

    name: str
    layer: WeightLayer
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Factored:
    """The layers that take its place, with values, and the arguments `thin_layers` needs."""

    layers: nn.Sequential
    arguments: dict[str, Any]


class DecompositionMethod(Method[SettingsT]):
    """A method that replaces single layers by several thin ones."""

    family = rules.DECOMPOSITION
    leaves = frozenset({LOW_RANK})

    def resolved(self, model: LoadedModel, settings: SettingsT) -> SettingsT:
        """Return `settings` with what they leave to us filled in for `model`."""
        del model
        return settings

    def waits_for_values(self, settings: SettingsT) -> bool:
        """Whether ranks come from the weights, so that a plan can only guess them."""
        del settings
        return False

    @abstractmethod
    def arguments(self, layer: WeightLayer, settings: SettingsT) -> dict[str, Any]:
        """Return what `thin_layers` is given for `layer`, known or guessed from its shape."""

    @abstractmethod
    def thin_layers(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Sequential:
        """Return the layers that stand for `layer`, without values.

        Raises
        ------
        InputError
            If the method makes none of such arguments.
        """

    @abstractmethod
    def at_rank(self, layer: WeightLayer, rank: int, settings: SettingsT) -> dict[str, Any]:
        """Return what `thin_layers` is given for one rank, which alone says how thin they are."""

    @abstractmethod
    def size_limit(self, layer: WeightLayer, settings: SettingsT) -> int:
        """Return the rank from which the thin layers have no fewer weights than `layer`."""

    def rank_of(self, layer: WeightLayer, arguments: Mapping[str, Any]) -> int:
        """Return the rank that arguments stand for, the inverse of `at_rank`."""
        del layer
        return int(arguments["rank"])

    @abstractmethod
    def factorise(
        self, target: Target, settings: SettingsT, context: ApplyContext
    ) -> Generator[Event, None, Factored | None]:
        """Return what takes the place of a layer; None if its values turn out not to allow it."""

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return the thin layers, and the normalisation behind them if the record tells of one."""
        layers = self.thin_layers(layer, arguments)
        if arguments.get(_NORM) is True:
            add_norm(layers)
        return layers

    def candidates(
        self, model: LoadedModel, settings: SettingsT
    ) -> dict[str, tuple[WeightLayer, dict[str, Any]]]:
        """Return the layers that could be decomposed, whatever their time, and the arguments."""
        settings = self.resolved(model, settings)
        layers = rules.select(self, model, settings).layers
        return {name: (layer, self.arguments(layer, settings)) for name, layer in layers.items()}

    def chosen(self, model: LoadedModel, settings: SettingsT) -> rules.Selection:
        """Return the layers to decompose, without those measured slower on this machine."""
        settings = self.resolved(model, settings)
        selection = rules.select(self, model, settings)
        if settings.size_only or self.waits_for_values(settings) or not selection.layers:
            return selection
        planned = self.candidates(model, settings)
        slower = break_even.without_slower(self, model, settings, planned)
        layers = dict(selection.layers)
        for skipped in slower:
            del layers[skipped.layer]
        return replace(selection, layers=layers, skipped=(*selection.skipped, *slower))

    def plan(self, model: LoadedModel, settings: SettingsT) -> Planned:
        """Predict the network with factors in place of layers; sizes are exact for given ranks."""
        settings = self.resolved(model, settings)
        selection = self.chosen(model, settings)
        planned, guessed, notes = skeleton(model), self.waits_for_values(settings), []
        for name, layer in selection.layers.items():
            arguments = self.arguments(layer, settings) | _norm_argument(settings)
            with torch.device("meta"):
                replace_layer(planned.network(), name, self.rebuild(layer, arguments))
            planned = self._recorded(planned, name, arguments)
            notes.append(f"{name}: {'about ' if guessed else ''}{_described(arguments)}")
        if guessed and notes:
            notes.append("the step finds its ranks in the weights; here the budget's are assumed")
        return Planned(
            model=planned,
            exact=not guessed,
            trainings=_trainings(settings, between=len(selection.layers) - 1),
            layers=tuple(selection.layers),
            notes=tuple(notes),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: SettingsT, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Decompose one layer of a copy at a time, fine-tuning in between and at the end."""
        result = model.copy()
        settings = self.resolved(result, settings)
        chosen = yield from timed_layers.decide(self, result, settings, context.job.folder)
        contests, changed = timed_layers.late_contests(self, result, settings, chosen), 0
        for number, (name, layer) in enumerate(chosen.items()):
            yield Progress(fraction=number / len(chosen), message=f"Decomposing {name}")
            inside = context.inside(f"layer-{number}")
            target = Target(name, layer, self.arguments(layer, settings))
            factored = yield from self.factorise(target, settings, inside)
            if factored is None:
                continue
            if (yield from timed_layers.is_slower(contests.get(name), factored.arguments)):
                continue
            changed += 1
            replace_layer(result.network(), name, factored.layers)
            arguments = factored.arguments | _norm_argument(settings)
            result = self._recorded(result, name, arguments)
            if settings.batch_norm:
                _normalise(result, factored.layers, settings, inside)
            if number < len(chosen) - 1:
                yield from _train(result, _short(settings), inside)
        if not changed:
            raise UnsupportedLayerError("No layer of the network can be decomposed")
        yield from _train(result, settings, context.inside("all"))
        return result

    def _recorded(self, model: LoadedModel, name: str, arguments: dict[str, Any]) -> LoadedModel:
        record = StructureRecord(layer=name, method=self.key, arguments=arguments)
        model = with_structure(model, record)
        coded = {key: value for key, value in model.coded.items() if key != f"{name}.weight"}
        return replace(model, coded=coded)


def left_alone(name: str, why: str) -> Note:
    """Return the remark on a layer whose values do not allow what was planned."""
    return Note(
        level="warning",
        what=f"{name} is left as it is",
        why=why,
        next_step="Give a rank or a budget to decompose it all the same",
    )


def _norm_argument(settings: DecompositionSettings) -> dict[str, Any]:
    return {_NORM: True} if settings.batch_norm else {}


def _normalise(
    model: LoadedModel,
    layers: nn.Sequential,
    settings: DecompositionSettings,
    context: ApplyContext,
) -> None:
    """Put a normalisation behind `layers`; it needs statistics only if training follows."""
    norm = add_norm(layers)
    for training in planned_training(settings, **_TRAINING):
        data, info = context.training_data(), model.info
        batches = Batches(data, info, training.settings, context.job, needs_labels=False)
        settle(model.network(), norm, batches.unvaried_batches()[:_NORM_BATCHES], info, context.job)


def _described(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in arguments.items())


def _train(
    model: LoadedModel, settings: DecompositionSettings, context: ApplyContext
) -> Generator[Event, None, None]:
    if settings.epochs:
        packed = model.coded.keys()
        yield from fine_tune(
            model.network(), model.info, settings, context, fixed=packed, **_TRAINING
        )


def _short(settings: DecompositionSettings) -> DecompositionSettings:
    """Return the training after each layer; without training at the end there is none before."""
    epochs = settings.epochs_per_layer if settings.epochs else 0
    return settings.model_copy(update={"epochs": epochs})


def _trainings(settings: DecompositionSettings, between: int) -> tuple[PlannedTraining, ...]:
    """Return a short training after each layer that another one follows, and the one at the end."""
    short = planned_training(_short(settings), **_TRAINING)
    return (*short * between, *planned_training(settings, **_TRAINING))
