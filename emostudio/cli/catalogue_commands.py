"""The catalogues."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import typer

from emostudio.cli.display_sources import show_catalogue
from emostudio.cli.options import Context, JsonOption, WorkspaceOption
from emostudio.core.catalogue import Catalogue
from emostudio.core.pickable import Pickable

_CATALOGUES = {
    "methods": (
        "List the compression methods with their settings.",
        "emostudio.compression.catalogue",
        "METHODS",
    ),
    "architectures": (
        "List the architectures with their settings.",
        "emostudio.models.catalogue",
        "ARCHITECTURES",
    ),
    "engines": (
        "List the inference engines and whether they can be used here.",
        "emostudio.inference.catalogue",
        "ENGINES",
    ),
    "readers": (
        "List the dataset layouts that can be read, with their settings.",
        "emostudio.data.catalogue",
        "READERS",
    ),
    "formats": (
        "List the formats that models can be exported in.",
        "emostudio.exports.catalogue",
        "EXPORTERS",
    ),
}
"""Name of the command to its help, and where its catalogue is."""


def add_to(app: typer.Typer) -> None:
    """Add a command for each catalogue."""
    for name, (words, module, attribute) in _CATALOGUES.items():
        app.command(name, help=words)(_command(module, attribute))


def _command(module: str, attribute: str) -> Callable[..., None]:
    def show(
        context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
    ) -> None:
        del workspace, is_json
        catalogue: Catalogue[Pickable] = getattr(importlib.import_module(module), attribute)
        entries = catalogue.describe()
        context.obj.answer([entry.model_dump(mode="json") for entry in entries])
        show_catalogue(entries, context.obj)

    return show
