"""How the sides of a measured ratio are called, and how the ratio of two models is found again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emostudio.core.answers import Ratio
from emostudio.statistics.verdicts import inverse


def contender_names(runs: Sequence[tuple[str, str]]) -> list[str]:
    """Name what one benchmark times against each other.

    Parameters
    ----------
    runs
        Model and engine of each.

    Returns
    -------
    The models' names; ``model@engine`` throughout as soon as one model runs on several engines, so
    that a name which itself holds an ``@`` stands for no other.
    """
    models = [model for model, _ in runs]
    is_plain = len(set(models)) == len(models)
    return [model if is_plain else f"{model}@{engine}" for model, engine in runs]


def ratio_of(ratios: Iterable[Ratio], name: str, other: str, engine: str) -> Ratio | None:
    """Return the ratio with `name` as `a`, above 1 if it is the faster; None if there is none.

    Both sides ran on `engine`. Only where each model of the benchmark ran on a single engine may
    these differ: it is then the one that was found to be the fastest for each.

    Parameters
    ----------
    ratios
        Of one benchmark.
    """
    known = {(ratio.a, ratio.b): ratio for ratio in ratios}
    for a, b in ((f"{name}@{engine}", f"{other}@{engine}"), (name, other)):
        if (a, b) in known:
            return known[a, b]
        if (b, a) in known:
            return inverse(known[b, a], known[b, a].verdict)
    return None
