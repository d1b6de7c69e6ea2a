"""Recipes worth starting from; offered where all their methods are in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from emostudio.core.answers import CatalogueAnswer
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.recipes import saved_recipes

PRESETS: Mapping[str, tuple[str, ...]] = {
    "Deep Compression": ("magnitude_pruning", "weight_sharing", "huffman"),
    "Smaller and faster": ("channel_pruning", "int8_ptq"),
    "Low rank, then shared weights": ("tucker2", "weight_sharing", "huffman"),
    "Distil, then 8 bits": ("distill_hinton", "int8_ptq"),
    "Binary weights": ("bwn",),
}


def preset_recipes(catalogue: CatalogueAnswer | None, workspace: Path) -> dict[str, Recipe]:
    """Return recipes by name: ours, then those the user saved in the workspace."""
    known = {entry.key for entry in catalogue.methods if entry.available} if catalogue else set()
    found = {
        name: Recipe(name=name, steps=tuple(RecipeStep(method=key) for key in keys))
        for name, keys in PRESETS.items()
        if known.issuperset(keys)
    }
    return {**found, **saved_recipes(workspace)}
