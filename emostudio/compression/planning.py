"""What a recipe will give, predicted before any work."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from emostudio.compression import ledger, outlook, rules
from emostudio.compression.base import Method, Planned, PlannedTraining
from emostudio.compression.catalogue import METHODS
from emostudio.compression.decomposition import DecompositionMethod
from emostudio.compression.forecast import Forecast
from emostudio.compression.packing import predict_bytes
from emostudio.core.answers import PlanReport, PlanStage, Refusal
from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.core.low_rank import LowRankOutlook
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import parse_settings
from emostudio.models.loaded import LoadedModel


@dataclass(frozen=True)
class Step:
    """One method with parsed settings; `origin` is the recipe step it belongs to."""

    origin: int
    method: Method[Any]
    settings: BaseModel

    @property
    def as_recipe_step(self) -> RecipeStep:
        """Return the step with all its settings spelt out."""
        return RecipeStep(method=self.method.key, settings=self.settings.model_dump(mode="json"))


def plan(teacher: LoadedModel, recipe: Recipe, forecast: Forecast | None = None) -> PlanReport:
    """Predict what every stage of a recipe leaves behind.

    Parameters
    ----------
    teacher
        The model to start from; its values are read only where its packed tensors are recoded.
    recipe
        Steps; a method that stands for several shows as those.
    forecast
        Measures how long the trainings will take; None leaves that open.

    Returns
    -------
    Stages up to the first refused step, and the refusals.

    Raises
    ------
    InputError
        If a method is unknown or a setting is out of bounds.
    """
    steps = expanded(recipe)
    stages = [_teacher_stage(teacher)]
    refusals: list[Refusal] = []
    skipped: list[Refusal] = []
    trainings: list[tuple[LoadedModel, PlannedTraining]] = []
    model, exact = teacher, True
    outlooks: list[LowRankOutlook] = []
    for number, step in enumerate(steps):
        planned, before = _planned(step, model, number), model
        outlooks += _outlook(step, before)
        if isinstance(planned, Refusal):
            refusals.append(planned)
            break
        model = described(planned.model, recipe, step)
        exact = planned.exact and (exact or not step.method.needs_layers)
        stages.append(_plan_stage(step, replace(planned, model=model, exact=exact)))
        trainings += [(training.model or model, training) for training in planned.trainings]
        skipped += [
            Refusal(step=step.origin, method=step.method.key, layer=item.layer, reason=item.reason)
            for item in planned.skipped
        ]
    teacher_macs, macs = stages[0].macs, stages[-1].macs
    return PlanReport(
        stages=tuple(stages),
        refusals=tuple(refusals),
        skipped_layers=tuple(skipped),
        speedup_ceiling=teacher_macs / macs if teacher_macs and macs else None,
        training_seconds=None
        if forecast is None or refusals
        else sum(forecast.seconds(trained, training) for trained, training in trainings),
        low_rank=tuple(outlooks),
    )


def measure_layers(
    teacher: LoadedModel, recipe: Recipe, *, budget_s: float
) -> Generator[Progress, None, None]:
    """Time the layers that steps of a recipe would decompose, where not done on this machine.

    Parameters
    ----------
    budget_s
        Seconds for all steps together.

    Raises
    ------
    InputError
        If a method is unknown or a setting is out of bounds.
    """
    deadline_s, model = time.monotonic() + budget_s, teacher
    for number, step in enumerate(expanded(recipe)):
        method, left_s = step.method, deadline_s - time.monotonic()
        if isinstance(method, DecompositionMethod) and left_s > 0 and model.module is not None:
            with suppress(InputError):  # the plan says what is wrong with the settings
                yield from outlook.measure(method, model, step.settings, budget_s=left_s)
        planned = _planned(step, model, number)
        if isinstance(planned, Refusal):
            return
        model = planned.model


def _outlook(step: Step, model: LoadedModel) -> list[LowRankOutlook]:
    method = step.method
    if not isinstance(method, DecompositionMethod) or model.module is None:
        return []
    try:
        return [outlook.outlook(method, model, step.settings, step=step.origin)]
    except InputError:  # the refusal says it
        return []


def predicted(teacher: LoadedModel, recipe: Recipe) -> LoadedModel:
    """Return the model a recipe would give, without values.

    Raises
    ------
    InputError
        If a step is refused, naming it and the reason.
    """
    model = teacher
    for number, step in enumerate(expanded(recipe)):
        planned = _planned(step, model, number)
        if isinstance(planned, Refusal):
            raise InputError(f"{step.method.title} cannot be done", why=planned.reason)
        model = described(planned.model, recipe, step)
    return model


def expanded(recipe: Recipe) -> tuple[Step, ...]:
    """Return the steps of a recipe, with methods that stand for several taken apart.

    Raises
    ------
    InputError
        If a method is unknown or a setting is out of bounds.
    """
    steps: list[Step] = []
    for origin, recipe_step in enumerate(recipe.steps):
        step = _parsed(origin, recipe_step)
        parts = step.method.expand(step.settings)
        steps += [_parsed(origin, part) for part in parts] if parts else [step]
    return tuple(steps)


def _parsed(origin: int, step: RecipeStep) -> Step:
    method = METHODS.get(step.method)
    settings = parse_settings(method.settings_type, step.settings, f"method {step.method}")
    return Step(origin, method, settings)


def _planned(step: Step, model: LoadedModel, number: int) -> Planned | Refusal:
    """Return the step's plan, or why it cannot be done."""
    method = step.method
    refuse = partial(Refusal, step=step.origin, method=method.key)
    reason = method.why_unavailable()
    if number > 0:
        reason = reason or rules.FIRST.get(method.family, "")
    if model.module is None:
        reason = reason or method.refuses_black_box
    if method.needs_layers and model.module is None:
        reason = reason or "only the outputs of a black box are known; distil it first"
    if reason:
        return refuse(reason=reason)
    try:
        planned = method.plan(model, step.settings)
    except InputError as error:
        return refuse(reason=str(error))
    if method.needs_layers and not planned.layers:
        reasons = dict.fromkeys(item.reason for item in planned.skipped)
        return refuse(reason="no layer can be changed: " + ("; ".join(reasons) or "none matches"))
    return planned


def described(model: LoadedModel, recipe: Recipe, step: Step) -> LoadedModel:
    """Write the recipe, up to the step just done, into the model's description."""
    done = tuple(
        _parsed(origin, recipe_step).as_recipe_step
        for origin, recipe_step in enumerate(recipe.steps[: step.origin + 1])
    )
    update = {"recipe": Recipe(name=recipe.name, steps=done)}
    return replace(model, info=model.info.model_copy(update=update))


def _teacher_stage(teacher: LoadedModel) -> PlanStage:
    parameters, macs = ledger.costs(teacher)
    notes = ("only the outputs are known",) if teacher.module is None else ()
    return PlanStage(
        method="",
        title=teacher.info.name,
        parameters=parameters,
        macs=macs,
        disk_bytes=ledger.file_bytes(teacher),
        notes=notes,
    )


def _plan_stage(step: Step, planned: Planned) -> PlanStage:
    parameters, macs = ledger.costs(planned.model)
    return PlanStage(
        method=step.method.key,
        title=step.method.title,
        parameters=parameters,
        macs=macs,
        disk_bytes=predict_bytes(planned.model),
        disk_bytes_exact=planned.exact,
        training_epochs=planned.epochs,
        notes=planned.notes,
    )
