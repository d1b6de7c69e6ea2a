"""The catalogues."""

from __future__ import annotations

import importlib

import typer

from emostudio.cli.display_sources import show_catalogue
from emostudio.cli.options import Context, JsonOption, WorkspaceOption
from emostudio.core.catalogue import Catalogue, Pickable

_CATALOGUES = {
    "methods": ("emostudio.compression.catalogue", "METHODS"),
    "architectures": ("emostudio.models.catalogue", "ARCHITECTURES"),
    "engines": ("emostudio.inference.catalogue", "ENGINES"),
    "readers": ("emostudio.data.catalogue", "READERS"),
    "formats": ("emostudio.exports.catalogue", "EXPORTERS"),
}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(methods)
    app.command()(architectures)
    app.command()(engines)
    app.command()(readers)
    app.command()(formats)


def methods(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """List the compression methods with their settings."""
    _show("methods", context)


def architectures(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """List the architectures with their settings."""
    _show("architectures", context)


def engines(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """List the inference engines and whether they can be used here."""
    _show("engines", context)


def readers(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """List the dataset layouts that can be read, with their settings."""
    _show("readers", context)


def formats(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """List the formats that models can be exported in."""
    _show("formats", context)


def _show(name: str, context: Context) -> None:
    module, attribute = _CATALOGUES[name]
    catalogue: Catalogue[Pickable] = getattr(importlib.import_module(module), attribute)
    entries = catalogue.describe()
    context.obj.answer([entry.model_dump(mode="json") for entry in entries])
    show_catalogue(entries, context.obj)
