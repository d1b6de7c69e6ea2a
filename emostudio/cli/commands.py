"""All commands; each module adds its own."""

from __future__ import annotations

import typer

from emostudio.cli import (
    catalogue_commands,
    data_commands,
    job_commands,
    making_commands,
    measuring_commands,
    model_commands,
    paper_commands,
    probe_commands,
    studio_commands,
)


def make_app() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(
        name="emostudio",
        help="Compress emotion-recognition networks and prove every gain on this machine.",
        add_completion=False,
        no_args_is_help=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for module in (
        studio_commands,
        catalogue_commands,
        data_commands,
        model_commands,
        making_commands,
        measuring_commands,
        probe_commands,
        paper_commands,
        job_commands,
    ):
        module.add_to(app)
    return app
