"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Context = typer.Context

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="DIR", help="Workspace folder (default: your own)."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")
]
SeedOption = Annotated[int, typer.Option(help="Decides every random choice.", min=0)]
SeedsOption = Annotated[
    int,
    typer.Option(
        help="From how many seeds to make it, counting up from --seed; 5 to rank methods.",
        min=1,
        max=100,
    ),
]
NameOption = Annotated[str | None, typer.Option(help="What to call the result.")]
DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Folder, file of a known layout, synthetic[:key=value,...], or dataset name.",
    ),
]
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="File, run id, workspace name or bundled name.")
]
ModelsArgument = Annotated[
    list[str], typer.Argument(metavar="MODEL...", help="Files, run ids or names.")
]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Settings; can be repeated.")
]
StepOption = Annotated[
    list[str],
    typer.Option("--step", metavar="METHOD[:KEY=VALUE,...]", help="Steps in order."),
]
RecipeOption = Annotated[Path | None, typer.Option(metavar="R.json", help="Recipe as a JSON file.")]
PresetOption = Annotated[
    str | None,
    typer.Option(metavar="P", help="A recipe to start from: p1 to p6, deep or binary."),
]
ReaderOption = Annotated[
    str | None, typer.Option("--reader", help="Key of the reader (default: recognised).")
]
EnginesOption = Annotated[
    list[str], typer.Option("--engine", metavar="E", help="Engines; can be repeated.")
]
EngineOption = Annotated[str | None, typer.Option("--engine", metavar="E", help="Engine.")]
