"""What a running decomposition does with times of layers: it obeys them and says what is unknown.

Nothing is measured here: that would take minutes nobody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Protocol

from emostudio.compression import layer_times
from emostudio.compression.break_even import SLOWER, Contest, Ladder, contests, why_slower
from emostudio.compression.rules import Selection
from emostudio.compression.surgery import WeightLayer
from emostudio.core.atomic import write_json
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note
from emostudio.models.loaded import LoadedModel

CHOSEN_FILE = "layers.json"


class Chooser(Ladder, Protocol):
    """A method that chooses layers by their time."""

    def chosen(self, model: LoadedModel, settings: Any) -> Selection:
        """Return the layers to decompose."""
        ...

    def waits_for_values(self, settings: Any) -> bool:
        """Whether ranks come from the weights."""
        ...


def decide(
    method: Chooser, model: LoadedModel, settings: Any, folder: Path
) -> Generator[Event, None, dict[str, WeightLayer]]:
    """Return the layers to decompose, and say which are left alone because of their time.

    Parameters
    ----------
    folder
        The step's. The choice is kept there: what is measured while a run is interrupted must not
        change what it does when it goes on.

    Raises
    ------
    InputError
        If the kept choice does not belong to the network.
    """
    selection = method.chosen(model, settings)
    file = folder / CHOSEN_FILE
    if file.exists():
        return _kept_choice(file, method, model, settings)
    for skipped in selection.skipped:
        if skipped.reason.startswith(SLOWER):
            yield _left_alone(skipped.layer, skipped.reason)
    unknown = [c for c in contests(method, model, settings, selection.layers) if not c.known()]
    if unknown and not settings.size_only:
        yield Note(
            what="Speed not measured here: " + ", ".join(contest.name for contest in unknown),
            why="the layers are decomposed without knowing whether that makes them faster",
            next_step="The command breakeven, or the plan of a recipe, measures them",
        )
    write_json(file, list(selection.layers))
    return selection.layers


def late_contests(
    method: Chooser, model: LoadedModel, settings: Any, chosen: Mapping[str, WeightLayer]
) -> dict[str, Contest]:
    """Return the layers whose rank, and so whose time, is known only once they are decomposed."""
    is_asked = method.waits_for_values(settings) and not settings.size_only
    if not is_asked or not layer_times.any_kept():
        return {}
    return {contest.name: contest for contest in contests(method, model, settings, chosen)}


def is_slower(
    contest: Contest | None, arguments: Mapping[str, Any]
) -> Generator[Event, None, bool]:
    """Return whether factors just found were measured slower on this machine, and say so."""
    if contest is None:
        return False
    reason = why_slower(contest, contest.method.rank_of(contest.layer, arguments))
    if reason:
        yield _left_alone(contest.name, reason)
    return bool(reason)


def _kept_choice(
    file: Path, method: Chooser, model: LoadedModel, settings: Any
) -> dict[str, WeightLayer]:
    names = json.loads(file.read_text("utf-8"))
    everything = method.chosen(model, settings.model_copy(update={"size_only": True})).layers
    if not set(names) <= set(everything):
        raise InputError(
            "The run cannot be taken up", why=f"{file.name} names layers the network does not have"
        )
    return {name: everything[name] for name in names}


def _left_alone(name: str, reason: str) -> Note:
    return Note(
        level="warning",
        what=f"{name} is left as it is",
        why=reason,
        next_step="Choose a lower rank, or set size_only to decompose it all the same",
    )
