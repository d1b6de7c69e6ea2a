"""Methods that put another layer in the place of a layer and train the network anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import ApplyContext, Method, Planned
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune, planned_training
from emostudio.compression.surgery import (
    WeightLayer,
    replace_layer,
    skeleton,
    with_structure,
    without_coded,
)
from emostudio.core.events import Event, Note, Progress
from emostudio.core.model_info import StructureRecord
from emostudio.models.loaded import LoadedModel

SettingsT = TypeVar("SettingsT", bound=FineTuneSettings)


class ReplacementMethod(Method[SettingsT]):
    """A method whose layers are made by `rebuild` and begin with values of their own.

    Attributes
    ----------
    training
        Overrides of `TrainingSettings` for the training afterwards.
    """

    training: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def arguments(self, layer: WeightLayer, settings: SettingsT) -> dict[str, Any]:
        """Return what the record of a layer says: all that `rebuild` needs to know."""

    @abstractmethod
    def start(
        self, new: nn.Module, layer: WeightLayer, settings: SettingsT, generator: torch.Generator
    ) -> None:
        """Give a rebuilt layer its first values."""

    @abstractmethod
    def note(
        self, name: str, layer: WeightLayer, arguments: dict[str, Any], settings: SettingsT
    ) -> str:
        """Return a line of the plan about one layer."""

    def chosen(self, model: LoadedModel, settings: SettingsT) -> rules.Selection:
        """Return the layers that are replaced, and those left alone."""
        return rules.select(self, model, settings)

    def plan(self, model: LoadedModel, settings: SettingsT) -> Planned:
        """Predict the network with the new layers: sizes are exact."""
        selection = self.chosen(model, settings)
        planned, notes = skeleton(model), []
        for name, layer in selection.layers.items():
            arguments = self.arguments(layer, settings)
            with torch.device("meta"):
                replace_layer(planned.network(), name, self.rebuild(layer, arguments))
            planned = self._recorded(planned, name, arguments)
            notes.append(self.note(name, layer, arguments, settings))
        return Planned(
            model=planned,
            trainings=planned_training(settings, **self.training),
            layers=tuple(selection.layers),
            notes=tuple(notes),
            skipped=selection.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: SettingsT, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Replace the layers of a copy one after the other, then train it."""
        result = model.copy()
        layers = self.chosen(result, settings).layers
        generator = torch.Generator().manual_seed(context.job.seed)
        for number, (name, layer) in enumerate(layers.items()):
            share = number / len(layers)
            yield Progress(fraction=share, message=f"Replacing {name}")
            context.job.report(share, f"Replacing {name}")
            arguments = self.arguments(layer, settings)
            new = self.rebuild(layer, arguments)
            self.start(new, layer, settings, generator)
            replace_layer(result.network(), name, new.train(layer.training))
            result = self._recorded(result, name, arguments)
        if settings.epochs:
            network, packed = result.network(), result.coded.keys()
            yield from fine_tune(
                network, result.info, settings, context, fixed=packed, **self.training
            )
        else:
            yield Note(
                level="warning",
                what=f"{self.title}: the new layers were not trained",
                next_step="Give the step some epochs; without them the network knows little",
            )
        return result

    def _recorded(self, model: LoadedModel, name: str, arguments: dict[str, Any]) -> LoadedModel:
        record = StructureRecord(layer=name, method=self.key, arguments=arguments)
        return without_coded(with_structure(model, record), f"{name}.weight")


def bias_of(layer: nn.Module) -> nn.Parameter | None:
    """Return the bias of a layer, None where it has none."""
    return dict(layer.named_parameters(recurse=False)).get("bias")
