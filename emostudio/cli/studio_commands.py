"""The window, the quickstart, the doctor, the live view."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emostudio.cli.display import show_live, show_quickstart
from emostudio.cli.display_sources import show_doctor
from emostudio.cli.options import Context, EngineOption, JsonOption, WorkspaceOption
from emostudio.cli.running import answer_job
from emostudio.core.environment import has_display
from emostudio.core.errors import EmoStudioError
from emostudio.core.jobs import DoctorJob, LiveJob, QuickstartJob


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.callback(invoke_without_command=True)(window)
    app.command()(quickstart)
    app.command()(doctor)
    app.command()(live)


def window(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """Compress emotion-recognition networks and prove every gain on this machine.

    Without a command, opens the window.
    """
    del is_json
    context.obj.workspace = workspace
    if context.invoked_subcommand is not None:
        return
    if not has_display():
        raise EmoStudioError(
            "The window needs a display",
            why="none was found",
            next_step="Run the main job without a window: emostudio quickstart",
        )
    try:
        from emostudio.app import main  # the window's libraries, which no other command needs
    except ImportError as error:
        raise EmoStudioError(
            "The window's libraries cannot be loaded",
            why=str(error),
            next_step="Run make run once, or work without a window: emostudio quickstart",
        ) from error
    raise typer.Exit(main(workspace))


def quickstart(
    context: Context,
    data: Annotated[str | None, typer.Option(help="Your own data (default: drawn faces).")] = None,
    teacher: Annotated[str | None, typer.Option(help="Your own teacher (default: train).")] = None,
    minutes: Annotated[float, typer.Option(help="How long it may take.", min=0.5)] = 8.0,
    out: Annotated[Path | None, typer.Option(help="Folder for report and workspace.")] = None,
    seed: Annotated[int, typer.Option(help="Decides every random choice.", min=0)] = 0,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run the main job without a window: teacher, variants, measurements, report."""
    del is_json
    job = QuickstartJob(
        data=data, teacher=teacher, minutes=minutes, out=str(out) if out else None, seed=seed
    )
    folder = workspace or context.obj.workspace or (out / "workspace" if out else None)
    answer_job(job, folder, context.obj, show_quickstart)


def doctor(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """Say what works on this machine, what does not, and why."""
    del is_json
    answer_job(DoctorJob(), workspace, context.obj, show_doctor)


def live(
    context: Context,
    source: Annotated[
        str, typer.Option(help="synthetic, camera[:name], a video file, a folder, or a URL.")
    ] = "synthetic",
    variants: Annotated[
        list[str], typer.Option("--variants", metavar="A B ...", help="Models to run.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    detector: Annotated[
        str,
        typer.Option(
            metavar="KEY[:NAME=VALUE,...]", help="Face detector, for example haar:every=5."
        ),
    ] = "haar",
    detector_file: Annotated[str | None, typer.Option(help="Model file of the detector.")] = None,
    engine: EngineOption = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long.", min=0.1)] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Show counters only.")] = False,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run variants on the same live frames and print the counters."""
    del is_json, headless
    job = LiveJob(
        source=source,
        detector=detector,
        detector_file=detector_file,
        variants=tuple(variants),
        engine=engine,
        seconds=seconds,
        send_frames=False,
    )
    answer_job(job, workspace, context.obj, show_live)
