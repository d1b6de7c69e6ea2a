"""The paper's tables and figures."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from emostudio.cli.display_paper import show_tables
from emostudio.cli.options import Context, JsonOption, SeedOption, WorkspaceOption
from emostudio.cli.running import answer_job
from emostudio.core.errors import InputError
from emostudio.core.jobs import PaperJob
from emostudio.paper.base import Experiment
from emostudio.paper.catalogue import EVERYTHING, in_order

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
    Path | None,
    typer.Option("--out", help="File; its suffix says which: html, pdf, csv, ... (see the guide)."),
]


def add_to(app: typer.Typer) -> None:
    """Add a command for each experiment and one for all."""
    paper = typer.Typer(
        help="The 2017 survey's tables and figures, ours beside the paper's.", no_args_is_help=True
    )
    for each in in_order():
        made = _command(each.key, _help(each), has_seeds=each.is_run)
        paper.command(each.command or each.key)(made)
        if each.command:
            paper.command(each.key, hidden=True)(made)
    words = "Run all tables and figures. Run again to go on."
    paper.command(EVERYTHING)(_command(EVERYTHING, words, has_seeds=True))
    app.add_typer(paper, name="paper")


def _help(experiment: Experiment) -> str:
    summary = experiment.summary[:1].lower() + experiment.summary[1:]
    if not experiment.is_run:
        return f"Show {experiment.title}: {summary}; runs nothing."
    return f"Run {experiment.title}: {summary}. Run again to go on."


def _command(experiment: str, words: str, *, has_seeds: bool) -> Callable[..., None]:
    def run(
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
        del is_json
        if out is not None:
            from emostudio.reports.comparison import check_suffix  # loads the engine

            check_suffix(out)
        job = PaperJob(
            experiment=experiment,
            preset=_preset(preset),
            data=_absolute(data),
            teacher=_absolute(teacher),
            pool=_absolute(pool),
            seed=seed,
            seeds=seeds,
            out=str(out.absolute()) if out else None,
        )
        answer_job(job, workspace, context.obj, show_tables)

    run.__doc__ = words
    if not has_seeds:  # typer offers what the signature has
        taken = inspect.signature(run, eval_str=True)
        left = [each for name, each in taken.parameters.items() if name != "seeds"]
        run.__dict__["__signature__"] = taken.replace(parameters=left)
    return run


def _preset(key: str) -> Literal["quick", "full"]:
    if key not in {"quick", "full"}:
        raise InputError(f"There is no preset {key}", next_step="Known: quick, full")
    return "full" if key == "full" else "quick"


def _absolute(argument: str | None) -> str | None:
    """Name a file by its whole path, so that a study is found again from another folder."""
    if argument is None:
        return None
    path = Path(argument).expanduser()
    return str(path.resolve()) if path.exists() else argument
