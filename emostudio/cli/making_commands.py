"""Making models: train and compress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from emostudio.cli.display import show_ablation, show_compressed, show_plan, show_trained
from emostudio.cli.display_low_rank import show_outlook
from emostudio.cli.options import (
    Context,
    DataOption,
    JsonOption,
    NameOption,
    PresetOption,
    RecipeOption,
    SeedOption,
    SeedsOption,
    SetOption,
    StepOption,
    WorkspaceOption,
)
from emostudio.cli.output import Output
from emostudio.cli.running import answer_job, run_job
from emostudio.core.errors import InputError
from emostudio.core.jobs import AblateJob, CompressJob, PlanJob, TrainJob, seeded
from emostudio.core.model_info import Transform
from emostudio.core.recipe import Recipe
from emostudio.workspace.presets import preset as preset_recipe
from emostudio.workspace.recipes import load_recipe, parse_assignments, parse_steps


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(compress)
    app.command()(ablate)


def train(
    context: Context,
    architecture: Annotated[str, typer.Option("--arch", metavar="A", help="Architecture.")],
    data: DataOption,
    settings: SetOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    transform: Annotated[
        Transform,
        typer.Option(help="Done to the pixels first: mapped_lbp shows the network textures."),
    ] = "none",
    name: NameOption = None,
    seed: SeedOption = 0,
    seeds: SeedsOption = 1,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Train an architecture on labelled data."""
    from emostudio.training.settings import TrainingSettings  # loads the engine

    values = parse_assignments(settings, "training")
    training = {k: v for k, v in values.items() if k in TrainingSettings.model_fields}
    job = TrainJob(
        architecture=architecture,
        architecture_settings={k: v for k, v in values.items() if k not in training},
        data=data,
        training=training,
        transform=transform,
        name=name,
        seed=seed,
    )
    _run_seeds(job, seeds, workspace, context.obj, show_trained)


def compress(
    context: Context,
    teacher: Annotated[str, typer.Option(metavar="T", help="Model to compress.")],
    data: DataOption,
    recipe: RecipeOption = None,
    step: StepOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    name: NameOption = None,
    seed: SeedOption = 0,
    seeds: SeedsOption = 1,
    preset: PresetOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only predict, do nothing.")] = False,
    measure: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="With --plan: most seconds for timing low-rank layers.", min=0
        ),
    ] = 20.0,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run a recipe on a teacher; prints run id and variant file."""
    chosen = _recipe(recipe, step, preset)
    if plan:
        question = PlanJob(teacher=teacher, recipe=chosen, data=data, measure_s=measure)
        answer = run_job(question, workspace, context.obj)
        context.obj.answer(answer)
        show_plan(answer, context.obj)
        for outlook in answer["low_rank"]:
            show_outlook(outlook, context.obj)
        return
    job = CompressJob(teacher=teacher, data=data, recipe=chosen, name=name, seed=seed)
    _run_seeds(job, seeds, workspace, context.obj, show_compressed)


def ablate(
    context: Context,
    teacher: Annotated[str, typer.Option(metavar="T", help="Model to compress.")],
    data: DataOption,
    recipe: RecipeOption = None,
    step: StepOption = [],  # noqa: B006 - typer reads the default, nothing changes it
    preset: PresetOption = None,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run every subset of a recipe's steps; prints what each step gave."""
    job = AblateJob(teacher=teacher, data=data, recipe=_recipe(recipe, step, preset), seed=seed)
    answer_job(job, workspace, context.obj, show_ablation)


def _run_seeds(
    job: TrainJob | CompressJob,
    seeds: int,
    workspace: Path | None,
    output: Output,
    show: Callable[[dict[str, Any], Output], None],
) -> None:
    """Run a job once, or from several seeds one after another."""
    answers = []
    for each in seeded(job, seeds):
        answers.append(run_job(each, workspace, output))
        show(answers[-1], output)
    output.answer(answers[0] if seeds == 1 else {"answers": answers})
    if seeds > 1:
        output.console.print("Compare them: emostudio compare takes the seeds together")


def _recipe(file: Path | None, steps: list[str], preset: str | None) -> Recipe:
    if sum((file is not None, bool(steps), preset is not None)) != 1:
        raise InputError(
            "Say what to do",
            why="exactly one of --recipe, --step and --preset is needed",
            next_step="For example: --step distill_softmax --step cp:rank=32",
        )
    if preset is not None:
        return preset_recipe(preset)
    return load_recipe(file) if file is not None else parse_steps(steps)
