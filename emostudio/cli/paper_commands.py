"""The paper's tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from emostudio.cli.display_paper import show_tables
from emostudio.cli.options import Context, JsonOption, SeedOption, WorkspaceOption
from emostudio.cli.running import run_job
from emostudio.core.errors import InputError
from emostudio.core.jobs import PaperJob

Experiment = Literal["table1", "table2", "table3", "figures", "all"]

PresetOption = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="P",
        help="quick (reduced, half an hour on two cores) or full (the paper's sizes, for a GPU).",
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", help="Labelled faces (default: drawn ones)."),
]
TeacherOption = Annotated[
    str | None,
    typer.Option(
        "--teacher",
        metavar="T",
        help="Black box for Table 3: file or model name (default: train one on other faces).",
    ),
]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="DATA",
        help="Faces without labels for Table 3 (default: the training pictures, labels unseen).",
    ),
]
SeedsOption = Annotated[
    int | None,
    typer.Option(
        help="Trainings of each kind, never fewer than the preset's. More decide more; those "
        "made before are kept.",
        min=1,
        max=100,
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="File: html, pdf, svg, png, csv, tex or json.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    paper = typer.Typer(
        help="The 2017 survey's tables and figures, ours beside the paper's.", no_args_is_help=True
    )
    paper.command("claims")(claims)
    paper.command("table1", hidden=True)(claims)
    paper.command("table2")(table2)
    paper.command("table3")(table3)
    paper.command("figures")(figures)
    paper.command("all")(everything)
    app.add_typer(paper, name="paper")


def claims(
    context: Context,
    preset: PresetOption = "quick",
    data: DataOption = None,
    teacher: TeacherOption = None,
    pool: PoolOption = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Show Table 1: published claims, beside what Table 2 measured here; runs nothing."""
    _run(context, "table1", (preset, data, teacher, pool), (seed, None), out, workspace)


def table2(
    context: Context,
    preset: PresetOption = "quick",
    data: DataOption = None,
    teacher: TeacherOption = None,
    pool: PoolOption = None,
    seed: SeedOption = 0,
    seeds: SeedsOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run Table 2: time, size and accuracy of seven networks. Run again to go on."""
    _run(context, "table2", (preset, data, teacher, pool), (seed, seeds), out, workspace)


def table3(
    context: Context,
    preset: PresetOption = "quick",
    data: DataOption = None,
    teacher: TeacherOption = None,
    pool: PoolOption = None,
    seed: SeedOption = 0,
    seeds: SeedsOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run Table 3: students from labels, softmax outputs, and both. Run again to go on."""
    _run(context, "table3", (preset, data, teacher, pool), (seed, seeds), out, workspace)


def figures(
    context: Context,
    preset: PresetOption = "quick",
    data: DataOption = None,
    teacher: TeacherOption = None,
    pool: PoolOption = None,
    seed: SeedOption = 0,
    seeds: SeedsOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run Figures 1 to 6: error curves of six networks; shares its trainings with Table 2."""
    _run(context, "figures", (preset, data, teacher, pool), (seed, seeds), out, workspace)


def everything(
    context: Context,
    preset: PresetOption = "quick",
    data: DataOption = None,
    teacher: TeacherOption = None,
    pool: PoolOption = None,
    seed: SeedOption = 0,
    seeds: SeedsOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run all tables and figures. Run again to go on."""
    _run(context, "all", (preset, data, teacher, pool), (seed, seeds), out, workspace)


def _run(
    context: Context,
    experiment: Experiment,
    study: tuple[str, str | None, str | None, str | None],
    counted: tuple[int, int | None],
    out: Path | None,
    workspace: Path | None,
) -> None:
    preset, data, teacher, pool = study
    if preset not in {"quick", "full"}:
        raise InputError(f"There is no preset {preset}", next_step="Known: quick, full")
    if out is not None:
        from emostudio.reports.comparison import check_suffix  # loads the engine

        check_suffix(out)
    job = PaperJob(
        experiment=experiment,
        preset="full" if preset == "full" else "quick",
        data=_absolute(data),
        teacher=_absolute(teacher),
        pool=_absolute(pool),
        seed=counted[0],
        seeds=counted[1],
        out=str(out.absolute()) if out else None,
    )
    answer = run_job(job, workspace, context.obj)
    context.obj.answer(answer)
    show_tables(answer, context.obj)


def _absolute(argument: str | None) -> str | None:
    """Name a file by its whole path, so that a study is found again from another folder."""
    if argument is None:
        return None
    path = Path(argument).expanduser()
    return str(path.resolve()) if path.exists() else argument
