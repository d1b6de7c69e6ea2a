"""Pictures that a model judges otherwise than the one it is compared with, faces included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.comparing import ChangedPicture, ModelChanges
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.data.dataset import Dataset
from emostudio.data.thumbnails import thumbnail_png
from emostudio.workspace.answer_files import AnswerFile

MOST_SHOWN = 24


def changes(
    dataset: Dataset, found: AnswerFile, models: Sequence[str], most: int = MOST_SHOWN
) -> tuple[ModelChanges, ...]:
    """Compare the answers of every model with those of the first, picture by picture.

    Parameters
    ----------
    dataset
        The pictures.
    found
        What the models said to them.
    models
        Names, the baseline first.
    most
        Faces returned per model: first those it lost, the surest errors first, then those it
        gained, then other changes.

    Raises
    ------
    InputError
        If the dataset is another one now than when the models were asked, or may be.
    """
    _require_same(dataset, found)
    return tuple(_changes(dataset, found, models[0], model, most) for model in models[1:])


def _require_same(dataset: Dataset, found: AnswerFile) -> None:
    if dataset.fingerprint == found.fingerprint:
        return
    what, why = f"{dataset.name} has changed since the models were asked", ""
    if len(dataset) != found.samples:
        why = f"it had {found.samples:,} pictures and has {len(dataset):,} now"
    elif found.fingerprint:
        why = "it has as many pictures as then, but others"
    else:
        what = f"{dataset.name} may have changed since the models were asked"
        why = "it was not yet noted then which pictures they saw"
    raise InputError(what, why=why, next_step="Measure the accuracy again")


def _changes(
    dataset: Dataset, found: AnswerFile, against: str, model: str, most: int
) -> ModelChanges:
    base, own = found.models[against], found.models[model]
    common, at_base, at_own = np.intersect1d(
        np.array(base.images), np.array(own.images), return_indices=True
    )
    before, now = np.array(base.answers)[at_base], np.array(own.answers)[at_own]
    truth = dataset.emotions[common].astype(np.int64)
    places = np.flatnonzero(before != now)
    lost, gained = before[places] == truth[places], now[places] == truth[places]
    sure_before = np.array(base.confidences)[at_base]
    sure_now = np.array(own.confidences)[at_own]
    order = np.lexsort((-sure_now[places], np.where(lost, 0, np.where(gained, 1, 2))))
    shown = tuple(
        ChangedPicture(
            item=dataset.items[int(common[place])],
            truth=EMOTIONS[truth[place]],
            before=EMOTIONS[before[place]],
            now=EMOTIONS[now[place]],
            confidence_before=round(float(sure_before[place]), 3),
            confidence_now=round(float(sure_now[place]), 3),
            png_base64=_face(dataset, common[place]),
        )
        for place in places[order][:most]
    )
    return ModelChanges(
        model=model,
        against=against,
        pictures=len(common),
        changed=len(places),
        lost=int(lost.sum()),
        gained=int(gained.sum()),
        shown=shown,
    )


def _face(dataset: Dataset, place: np.integer) -> str:
    image: NDArray[np.uint8] = dataset.image(int(place))
    return thumbnail_png(image)
