"""Recipes worth starting from: the six combinations of the reference, and smaller ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emostudio.core.answers import CatalogueAnswer
from emostudio.core.errors import InputError
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.recipes import saved_recipes


def _recipe(name: str, *steps: tuple[str, Mapping[str, Any]]) -> Recipe:
    made = tuple(RecipeStep(method=key, settings=dict(settings)) for key, settings in steps)
    return Recipe(name=name, steps=made)


_DEEP: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("magnitude_pruning", {}),
    ("weight_sharing", {}),
    ("huffman", {}),
)

PRESETS: Mapping[str, Recipe] = {
    "deep": _recipe("Deep Compression", *_DEEP),
    "binary": _recipe("Binary weights", ("bwn", {})),
    "p1": _recipe("P1: half the channels, then Deep Compression", ("channel_pruning", {}), *_DEEP),
    "p2": _recipe("P2: hashed dense layers, INT8 everywhere", ("hashed", {}), ("int8_ptq", {})),
    "p3": _recipe(
        "P3: tensor trains, Tucker-2, INT8",
        ("tt_linear", {}),
        ("tucker2", {"rank_from": "vbmf"}),
        ("int8_ptq", {}),
    ),
    "p4": _recipe(
        "P4: distil, Tucker-2, 6-bit codes",
        ("distill_softmax", {"architecture": "squeezenet1_1"}),
        ("tucker2", {"layers": "*expand3x3"}),
        ("weight_sharing", {"bits_conv": 6}),
        ("huffman", {}),
    ),
    "p5": _recipe("P5: XNOR in stages with the teacher's help", ("xnor", {})),
    "p6": _recipe("P6: Deep Compression, then early exits", *_DEEP[:2], ("early_exits", {})),
}
"""Short name to recipe; a recipe is offered where all its methods are in the catalogue."""


def preset(key: str) -> Recipe:
    """Return one of our recipes.

    Raises
    ------
    InputError
        Naming those there are.
    """
    try:
        return PRESETS[key.lower()]
    except KeyError:
        known = "; ".join(f"{name}: {recipe.name}" for name, recipe in PRESETS.items())
        raise InputError(f"There is no preset called {key}", next_step=f"Known: {known}") from None


def preset_recipes(catalogue: CatalogueAnswer | None, workspace: Path) -> dict[str, Recipe]:
    """Return recipes by name: ours, then those the user saved in the workspace."""
    known = {entry.key for entry in catalogue.methods if entry.available} if catalogue else set()
    found = {
        recipe.name: recipe
        for recipe in PRESETS.values()
        if known.issuperset(step.method for step in recipe.steps)
    }
    return {**found, **saved_recipes(workspace)}
