"""Several models that answer as one: the mean of their probabilities."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from emostudio.core.errors import InputError
from emostudio.core.model_info import ENSEMBLE, ModelInfo, Preprocessing
from emostudio.models.loaded import LoadedModel


def ensemble(members: Sequence[LoadedModel], name: str) -> LoadedModel:
    """Put models together; each keeps its own preprocessing.

    Parameters
    ----------
    members
        White boxes and black boxes in any mixture; their labels are matched by name.
    name
        What to call the ensemble.

    Returns
    -------
    A black box over the labels that all members know, in the order of the first. Its input is
    as large as the largest of theirs.

    Raises
    ------
    InputError
        If there are fewer than two members, or fewer than two labels that all know.
    """
    if len(members) < 2:
        raise InputError("An ensemble needs at least two models", next_step="Write NAME+NAME")
    first, *others = (member.info.labels for member in members)
    labels = tuple(label for label in first if all(label in other for other in others))
    if len(labels) < 2:
        known = "; ".join(f"{m.info.name} knows {', '.join(m.info.labels)}" for m in members)
        raise InputError(f"{name} share fewer than two emotions", why=known)
    inputs = [member.info.preprocessing for member in members]
    info = ModelInfo(
        name=name,
        architecture=ENSEMBLE,
        architecture_settings={
            "members": [member.info.name for member in members],
            "sha256": [_sha256(member) for member in members],
        },
        labels=labels,
        preprocessing=Preprocessing(
            height=max(one.height for one in inputs),
            width=max(one.width for one in inputs),
            channels=3 if any(one.channels == 3 for one in inputs) else 1,
        ),
        outputs="probabilities",
    )
    return LoadedModel(info, members=tuple(members))


def _sha256(model: LoadedModel) -> str | None:
    """Return the hash of a member's file: what an ensemble is made of decides what it teaches."""
    if model.file is None:
        return None
    with model.file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
