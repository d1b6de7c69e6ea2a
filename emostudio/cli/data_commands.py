"""Data: inspect, draw, look for leaks, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emostudio.cli.display_sources import show_data, show_leaks
from emostudio.cli.options import (
    Context,
    JsonOption,
    NameOption,
    ReaderOption,
    SetOption,
    WorkspaceOption,
)
from emostudio.cli.running import answer_job, run_job
from emostudio.core.jobs import ImportDataJob, InspectDataJob, SynthesiseJob
from emostudio.workspace.recipes import parse_assignments

PathArgument = Annotated[str, typer.Argument(metavar="PATH", help="Folder, file or data name.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    data = typer.Typer(help="Look at data, import it, draw synthetic faces.", no_args_is_help=True)
    data.command("inspect")(inspect)
    data.command("synth")(synth)
    data.command("leaks")(leaks)
    data.command("import")(import_data)
    app.add_typer(data, name="data")


def inspect(
    context: Context,
    path: PathArgument,
    reader: ReaderOption = None,
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Say what is in a data source: layout, labels, counts, splits, problems."""
    job = InspectDataJob(
        path=path, reader=reader, settings=parse_assignments(settings, "the reader"), thumbnails=0
    )
    answer_job(job, workspace, context.obj, show_data)


def leaks(
    context: Context,
    path: PathArgument,
    reader: ReaderOption = None,
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Find the same picture or person in two splits."""
    job = InspectDataJob(
        path=path,
        reader=reader,
        settings=parse_assignments(settings, "the reader"),
        thumbnails=0,
        only_leaks=True,
    )
    answer_job(job, workspace, context.obj, show_leaks)


def synth(
    context: Context,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New or empty folder.")],
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Draw synthetic faces into a folder, with RaFD file names."""
    job = SynthesiseJob(out=str(out), settings=parse_assignments(settings, "synthetic faces"))
    answer = run_job(job, workspace, context.obj)
    context.obj.answer(answer)
    context.obj.console.print(f"{answer['pictures']:,} faces in {answer['out']}")


def import_data(
    context: Context,
    path: PathArgument,
    name: NameOption = None,
    reader: ReaderOption = None,
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Decode a data source into the workspace."""
    job = ImportDataJob(
        path=path, name=name, reader=reader, settings=parse_assignments(settings, "the reader")
    )
    answer_job(job, workspace, context.obj, show_data)
