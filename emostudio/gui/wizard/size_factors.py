"""By how much each step of a recipe shrinks the file, from the plan's stages."""

from __future__ import annotations

from emostudio.core.answers import PlanReport
from emostudio.core.recipe import Recipe


def step_factors(recipe: Recipe, plan: PlanReport | None) -> list[str]:
    """Return by how much each step shrinks the file, such as ÷ 3.7; empty where unknown.

    A method that stands for several others has several stages in the plan.
    """
    empty = [""] * len(recipe.steps)
    if plan is None or not plan.stages:
        return empty
    ends = _stage_ends(recipe, plan)
    if ends is None:
        return empty
    factors, before = [], plan.stages[0].disk_bytes
    for end in ends:
        after = plan.stages[end].disk_bytes
        factors.append(f"÷ {before / max(after, 1):.1f}")
        before = after
    return factors


def _stage_ends(recipe: Recipe, plan: PlanReport) -> list[int] | None:
    stages, steps = plan.stages[1:], recipe.steps
    if len(stages) == len(steps):
        return list(range(1, len(stages) + 1))
    ends, place = [], 0
    for number, step in enumerate(steps):
        following = steps[number + 1].method if number + 1 < len(steps) else None
        if place >= len(stages):
            return None
        place += 1
        if stages[place - 1].method != step.method:
            while place < len(stages) and stages[place].method != following:
                place += 1
        ends.append(place)
    return ends if place == len(stages) else None
