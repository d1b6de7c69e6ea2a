"""Variants that differ in their seed only, taken together: what training luck does to a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from emostudio.core.measured import SeedGroup
from emostudio.statistics.intervals import t_interval
from emostudio.workspace.records import ModelRecord

ENOUGH_SEEDS = 5
"""Fewer do not rank methods: the spread over seeds is itself known too badly."""


def seed_groups(
    models: Sequence[ModelRecord], accuracies: Mapping[str, float | None]
) -> tuple[SeedGroup, ...]:
    """Group models of the same making by their seeds.

    Parameters
    ----------
    models
        Those of a comparison.
    accuracies
        By model, as shares of the same images; models without one are left out.

    Returns
    -------
    One group per recipe (or architecture) with at least two seeds, in the order of the models.
    """
    found: dict[str, dict[int, ModelRecord]] = {}
    for model in models:
        seed = model.info.lineage.seed
        if seed is not None and accuracies.get(model.name) is not None:
            # trained twice from one seed it is the same experiment: the first counts
            found.setdefault(_making(model), {}).setdefault(seed, model)
    return tuple(_group(members, accuracies) for members in found.values() if len(members) > 1)


def _making(model: ModelRecord) -> str:
    """All that decides a model but the seed, as text."""
    info, lineage = model.info, model.info.lineage
    parts = (
        info.architecture,
        sorted(info.architecture_settings.items()),
        info.preprocessing,
        info.recipe.model_dump_json(),
        lineage.parent,
        lineage.dataset,
    )
    return repr(parts)


def _group(members: Mapping[int, ModelRecord], accuracies: Mapping[str, float | None]) -> SeedGroup:
    seeds = sorted(members)
    models = [members[seed] for seed in seeds]
    values = [accuracies[model.name] or 0.0 for model in models]
    _, low, high = t_interval(values)
    recipe = models[0].info.recipe
    return SeedGroup(
        title=recipe.title if recipe.steps else models[0].info.architecture,
        models=tuple(model.name for model in models),
        seeds=tuple(seeds),
        accuracies=tuple(values),
        mean=float(np.mean(values)),
        interval=(max(0.0, low), min(1.0, high)),
        is_enough=len(seeds) >= ENOUGH_SEEDS,
    )


def seed_words(group: SeedGroup) -> str:
    """Say what a recipe gives over its seeds, and whether there are enough of them."""
    low, high = (100 * bound for bound in group.interval)
    words = f"{group.title} over {len(group.seeds)} seeds: {100 * group.mean:.1f} %"
    words += f" (95 % {low:.1f} to {high:.1f})"
    dots = ", ".join(f"{100 * value:.1f}" for value in group.accuracies)
    enough = "" if group.is_enough else f"; a ranking needs {ENOUGH_SEEDS} seeds"
    return f"{words}, each {dots}{enough}"
