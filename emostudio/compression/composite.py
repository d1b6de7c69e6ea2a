"""Methods that stand for several others in a fixed order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from emostudio.compression.base import ApplyContext, Method, Planned, SettingsT
from emostudio.compression.catalogue import METHODS
from emostudio.core.events import Event
from emostudio.core.recipe import RecipeStep
from emostudio.core.settings import parse_settings
from emostudio.models.loaded import LoadedModel


class CompositeMethod(Method[SettingsT]):
    """A method made of other methods; recipes show and measure each of them."""

    @abstractmethod
    def expand(self, settings: SettingsT) -> tuple[RecipeStep, ...]:
        """Return the steps the method stands for."""

    def plan(self, model: LoadedModel, settings: SettingsT) -> Planned:
        """Predict what all steps together leave behind."""
        whole = Planned(model=model)
        layers: dict[str, None] = {}
        for method, step_settings in self._steps(settings):
            planned = method.plan(whole.model, step_settings)
            layers.update(dict.fromkeys(planned.layers))
            whole = replace(
                planned,
                exact=planned.exact,
                trainings=(*whole.trainings, *planned.trainings),
                layers=tuple(layers),
                notes=(*whole.notes, *planned.notes),
                skipped=tuple(dict.fromkeys((*whole.skipped, *planned.skipped))),
            )
        return whole

    def apply(
        self, model: LoadedModel, settings: SettingsT, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Run all steps."""
        for number, (method, step_settings) in enumerate(self._steps(settings)):
            inside = context.inside(f"{number}-{method.key}")
            model = yield from method.apply(model, step_settings, inside)
        return model

    def _steps(self, settings: SettingsT) -> list[tuple[Method[Any], Any]]:
        found = []
        for step in self.expand(settings):
            method = METHODS.get(step.method)
            owner = f"method {step.method}"
            found.append((method, parse_settings(method.settings_type, step.settings, owner)))
        return found
