"""Recipes as JSON files, and as words on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from emostudio.core.atomic import write_json
from emostudio.core.errors import InputError
from emostudio.core.paths import safe_name
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import first_fault

_LIMIT_BYTES = 1_000_000


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe to `path`."""
    write_json(path, recipe.model_dump(mode="json"))


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from `path`.

    Raises
    ------
    InputError
        If the file cannot be read or is not a recipe; methods and settings are checked by
        planning, not here.
    """
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise InputError(f"{path.name} is not a recipe", why="it is larger than 1 MB")
        return Recipe.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"Could not open {path}", why=error.strerror or str(error)) from error
    except ValidationError as error:
        raise InputError(
            f"{path.name} is not a recipe",
            why=first_fault(error),
            next_step='A recipe looks like {"steps": [{"method": "cp", "settings": {}}]}',
        ) from error


def recipe_file(workspace_folder: Path, name: str) -> Path:
    """Return where the workspace keeps the recipe called `name`."""
    return workspace_folder / "recipes" / f"{safe_name(name)}.json"


def saved_recipes(workspace_folder: Path) -> dict[str, Recipe]:
    """Return the recipes kept in the workspace by name; damaged ones are left out."""
    found: dict[str, Recipe] = {}
    for file in sorted((workspace_folder / "recipes").glob("*.json")):
        try:
            found[file.stem] = load_recipe(file)
        except InputError:
            continue
    return found


def parse_steps(texts: tuple[str, ...] | list[str]) -> Recipe:
    """Build a recipe from ``method[:key=value,...]`` words.

    Raises
    ------
    InputError
        If a word is not of this form.
    """
    return Recipe(steps=tuple(_parse_step(text) for text in texts))


def parse_assignments(texts: tuple[str, ...] | list[str], owner: str) -> dict[str, Any]:
    """Build settings from ``key=value`` words; values stay text, models convert them.

    Raises
    ------
    InputError
        If a word has no ``=``.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"Bad setting {text!r} of {owner}", next_step="Write key=value")
        settings[key.strip()] = value.strip()
    return settings


def _parse_step(text: str) -> RecipeStep:
    method, _, tail = text.partition(":")
    if not method.strip():
        raise InputError(f"Bad step {text!r}", next_step="Write method:key=value,key=value")
    parts = [part for part in tail.split(",") if part.strip()]
    settings = parse_assignments(parts, f"step {method}")
    return RecipeStep(method=method.strip(), settings=settings)
