"""The machine probe: measure it, show it, export it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emostudio.cli.display_probe import show_card
from emostudio.cli.options import Context, JsonOption, WorkspaceOption
from emostudio.cli.running import run_job
from emostudio.core.jobs import MachineCardJob, ProbeJob


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(probe)


def probe(
    context: Context,
    out: Annotated[Path | None, typer.Option(help="File to write: json or csv.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1, max=256)] = 1,
    seconds: Annotated[float, typer.Option(help="Seconds aimed at.", min=1, max=50)] = 30.0,
    known: Annotated[
        bool, typer.Option("--known", help="Show what was measured before, measure nothing.")
    ] = False,
    card: Annotated[
        Path | None, typer.Option(help="Show another machine's card, measure nothing.")
    ] = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure which kernels are fast on this machine, and rank the methods by it."""
    if not known and card is None:
        answer = run_job(ProbeJob(threads=threads, seconds=seconds), workspace, context.obj)
    if known or card is not None or out is not None:
        named = "" if card is None else str(card)
        job = MachineCardJob(card=named, out="" if out is None else str(out))
        answer = run_job(job, workspace, context.obj)
    context.obj.answer(answer)
    show_card(answer, context.obj)
