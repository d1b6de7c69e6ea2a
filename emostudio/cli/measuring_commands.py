"""Measuring: evaluate, bench, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emostudio.cli.display_low_rank import show_break_even
from emostudio.cli.display_measured import (
    show_bench,
    show_changes,
    show_compared,
    show_evaluation,
)
from emostudio.cli.display_profile import show_profile
from emostudio.cli.options import (
    Context,
    DataOption,
    EngineOption,
    EnginesOption,
    JsonOption,
    ModelsArgument,
    SetOption,
    WorkspaceOption,
)
from emostudio.cli.running import answer_job
from emostudio.core.jobs import (
    BenchJob,
    BreakEvenJob,
    ChangesJob,
    CompareJob,
    EvaluateJob,
    ProfileJob,
)
from emostudio.core.measured import Limits
from emostudio.workspace.recipes import parse_assignments, parse_steps

CompareOutOption = Annotated[
    Path,
    typer.Option(
        help="File; its suffix says which: html, pdf, svg, png, csv, ... (see the guide)."
    ),
]
MostMsOption = Annotated[
    float | None, typer.Option("--max-ms", help="Line in the chart: slower is too slow.", min=0)
]
LeastPercentOption = Annotated[
    float | None,
    typer.Option("--min-accuracy", help="Line in the chart, in percent.", min=0, max=100),
]
ChartOption = Annotated[
    str,
    typer.Option(help="Only this one: pareto, bars, radar, classes, confusion, calibration, ..."),
]
PublishOption = Annotated[
    bool, typer.Option("--publish", help="Refuse figures that are not fit to be published.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(evaluate)
    app.command()(changes)
    app.command()(bench)
    app.command()(profile)
    app.command()(compare)
    app.command()(breakeven)


def evaluate(
    context: Context,
    models: ModelsArgument,
    data: DataOption,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    engine: EngineOption = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure accuracy; with several models, compare them image by image with the first."""
    job = EvaluateJob(models=tuple(models), data=data, split=split, engine=engine)
    answer_job(job, workspace, context.obj, show_evaluation)


def changes(
    context: Context,
    models: ModelsArgument,
    data: DataOption,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    most: Annotated[int, typer.Option(help="Pictures named per model.", min=1, max=1000)] = 24,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """List the pictures that models judge otherwise than the first one, once all are evaluated."""
    job = ChangesJob(models=tuple(models), data=data, split=split, most=most)
    answer_job(job, workspace, context.obj, show_changes)


def bench(
    context: Context,
    models: ModelsArgument,
    engines: EnginesOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1, max=256)] = 1,
    blocks: Annotated[int, typer.Option(help="Blocks with rebuilt sessions.", min=3)] = 30,
    pairs: Annotated[int, typer.Option(help="Turns per block.", min=3)] = 23,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure latency interleaved, memory in fresh processes, and sizes."""
    job = BenchJob(
        models=tuple(models), engines=tuple(engines), threads=threads, blocks=blocks, pairs=pairs
    )
    answer_job(job, workspace, context.obj, show_bench)


def profile(
    context: Context,
    models: ModelsArgument,
    engine: EngineOption = None,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1, max=256)] = 1,
    blocks: Annotated[int, typer.Option(help="Blocks with rebuilt sessions.", min=6)] = 9,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Time every layer, parent first, with its kernel, multiply-adds, bytes and weight error."""
    job = ProfileJob(models=tuple(models), engine=engine, threads=threads, blocks=blocks)
    answer_job(job, workspace, context.obj, show_profile)


def compare(
    context: Context,
    models: ModelsArgument,
    out: CompareOutOption,
    data: Annotated[str | None, typer.Option(help="Dataset whose accuracies count.")] = None,
    title: Annotated[str, typer.Option(help="Heading.")] = "Comparison",
    most_ms: MostMsOption = None,
    least_percent: LeastPercentOption = None,
    chart: ChartOption = "",
    publish: PublishOption = False,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Write what was measured about models to a file."""
    least_accuracy = None if least_percent is None else least_percent / 100
    job = CompareJob(
        models=tuple(models),
        out=str(out),
        data=data,
        title=title,
        publish=publish,
        limits=Limits(most_ms=most_ms, least_accuracy=least_accuracy),
        chart=chart,
    )
    answer_job(job, workspace, context.obj, show_compared)


def breakeven(
    context: Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model, or the key of an architecture.")
    ],
    step: Annotated[
        str, typer.Option(metavar="METHOD[:KEY=VALUE,...]", help="cp, svd or tucker2.")
    ] = "cp",
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1, max=256)] = 1,
    seconds: Annotated[float, typer.Option(help="Seconds at most.", min=0.1, max=3600)] = 60.0,
    again: Annotated[bool, typer.Option("--again", help="Measure what is known, too.")] = False,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Time layers against their low-rank factors: up to which rank they are faster here."""
    (chosen,) = parse_steps([step]).steps
    job = BreakEvenJob(
        model=model,
        architecture_settings=parse_assignments(settings, "the architecture"),
        method=chosen.method,
        settings=chosen.settings,
        threads=threads,
        seconds=seconds,
        again=again,
    )
    answer_job(job, workspace, context.obj, show_break_even)
