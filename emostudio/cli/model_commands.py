"""Models: import, list, inspect, compare layer by layer, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from emostudio.cli.differences import difference
from emostudio.cli.display import show_difference, show_import, show_model, show_models
from emostudio.cli.display_export import show_export
from emostudio.cli.options import (
    Context,
    JsonOption,
    ModelArgument,
    NameOption,
    SetOption,
    StepOption,
    WorkspaceOption,
)
from emostudio.cli.running import answer_job, open_workspace, run_job
from emostudio.core.errors import InputError
from emostudio.core.jobs import ExportJob, ImportModelJob, InspectModelJob
from emostudio.workspace.recipes import parse_assignments, parse_steps

_KindOption = Annotated[
    str,
    typer.Option("--as", help="ONNX only: white-box (layers), black-box (outputs alone) or auto."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    models = typer.Typer(
        help="List, inspect and compare models.", invoke_without_command=True, no_args_is_help=False
    )
    models.callback()(list_models)
    models.command("inspect")(inspect)
    models.command("diff")(diff)
    app.add_typer(models, name="models")
    app.command("import")(import_model)
    app.command("export")(export)


def list_models(
    context: Context, workspace: WorkspaceOption = None, is_json: JsonOption = False
) -> None:
    """List the models of the workspace and those shipped with the program."""
    if context.invoked_subcommand is not None:
        return
    from emostudio.worker.resolve import bundled_models

    with open_workspace(workspace, context.obj) as opened:
        rows = [_row(model.model_dump(mode="json")) for model in opened.models()]
    known = {row["name"] for row in rows}
    rows += [
        {"name": name, "role": "bundled", "file": str(file), "disk_bytes": file.stat().st_size}
        for name, file in bundled_models().items()
        if name not in known
    ]
    context.obj.answer(rows)
    show_models(rows, context.obj)


def inspect(
    context: Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model, or the key of an architecture.")
    ],
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    step: StepOption = [],  # noqa: B006
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Show layers with parameters, multiply-adds and bytes, and every way to count the size.

    With --step: what the steps would make of the model, predicted without any work.
    """
    job = InspectModelJob(
        model=model,
        architecture_settings=parse_assignments(settings, "the architecture"),
        recipe=parse_steps(step),
    )
    answer_job(job, workspace, context.obj, show_model)


def diff(
    context: Context,
    a: Annotated[str, typer.Argument(metavar="A", help="The parent.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The child.")],
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Compare two models layer by layer."""
    reports = [run_job(InspectModelJob(model=m), workspace, context.obj) for m in (a, b)]
    answer = difference(*reports)
    context.obj.answer(answer)
    show_difference(answer, context.obj)


def import_model(
    context: Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="safetensors, .pt, .pth, ONNX or .caffemodel.")
    ],
    name: NameOption = None,
    architecture: Annotated[
        str | None, typer.Option("--arch", help="Architecture (default: recognised).")
    ] = None,
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    labels: Annotated[
        str | None, typer.Option(help="Labels in output order, separated by commas.")
    ] = None,
    preprocessing: Annotated[
        str | None, typer.Option(help='As JSON: {"scale": 0.00784, "offset": -1}.')
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Labelled images to find or check both with.")
    ] = None,
    kind: _KindOption = "auto",
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Bring a teacher into the workspace."""
    job = ImportModelJob(
        file=str(file),
        name=name,
        architecture=architecture,
        architecture_settings=parse_assignments(settings, "the architecture"),
        labels=tuple(part.strip() for part in labels.split(",")) if labels else None,
        preprocessing=_json_table(preprocessing) if preprocessing else None,
        data=data,
        onnx=_onnx_kind(kind),
    )
    answer_job(job, workspace, context.obj, show_import)


def _onnx_kind(word: str) -> Literal["auto", "white_box", "black_box"]:
    kinds: dict[str, Literal["auto", "white_box", "black_box"]] = {
        "auto": "auto",
        "white-box": "white_box",
        "black-box": "black_box",
    }
    if word not in kinds:
        raise InputError(
            f"Models cannot be imported as {word}", next_step=f"Known: {', '.join(kinds)}"
        )
    return kinds[word]


def export(
    context: Context,
    model: ModelArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File or folder to write.")],
    to: Annotated[
        str | None,
        typer.Option("--format", "--to", help="A key of `emostudio formats` (default: by OUT)."),
    ] = None,
    runner: Annotated[
        bool, typer.Option("--runner", help="Write the Python runner beside the file.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Write a model for other programs, and check that it answers as the model does."""
    job = ExportJob(model=model, out=str(out), to=to, replace=force, runner=runner)
    answer_job(job, workspace, context.obj, show_export)


def _row(model: dict[str, Any]) -> dict[str, Any]:
    evaluations, benches = model["evaluations"], model["benches"]
    keys = ("name", "role", "file", "disk_bytes", "parameters", "macs", "parent", "run", "created")
    return {
        **{key: model[key] for key in keys},
        "architecture": model["info"]["architecture"],
        "labels": model["info"]["labels"],
        "recipe": model["info"]["recipe"],
        "accuracy": evaluations[0]["result"]["accuracy"] if evaluations else None,
        "latency_ms": benches[0]["result"]["latency_ms"] if benches else None,
    }


def _json_table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError as error:
        raise InputError("--preprocessing is not JSON", why=str(error)) from error
    if not isinstance(table, dict):
        raise InputError("--preprocessing is not a JSON object", next_step='Write {"scale": 1}')
    return table
