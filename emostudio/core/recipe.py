"""A recipe: the ordered steps that turn a teacher into a variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class RecipeStep(BaseModel):
    """One step: a method's catalogue key and its settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    settings: dict[str, Any] = Field(default_factory=dict)


class Recipe(BaseModel):
    """An ordered list of steps, saved as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    steps: tuple[RecipeStep, ...] = ()

    @property
    def title(self) -> str:
        """Return the recipe's name, or its methods in order."""
        return self.name or " + ".join(step.method for step in self.steps) or "no steps"

    def words(self, titles: Mapping[str, str]) -> str:
        """Return the same for readers: methods by their `titles`, else by their key in words."""
        known = [titles.get(step.method, step.method.replace("_", " ")) for step in self.steps]
        return self.name or " + ".join(known) or "no steps"
