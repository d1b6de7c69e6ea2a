"""What a foreign network's numbers mean: conventions are tried on labelled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from emostudio.core.emotions import Emotion, label_orders
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.core.settings import first_fault
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.data.labels import targets
from emostudio.inference.catalogue import open_classifier
from emostudio.models.importers.conventions import value_conventions
from emostudio.models.loaded import LoadedModel

_SAMPLE_IMAGES = 500
_LEAST_OVER_CHANCE = 1.8
_LEAST_MARGIN = 0.05

BuildModel = Callable[[ModelInfo], LoadedModel]


@dataclass(frozen=True)
class Given:
    """What the user and the file say about a network; None has to be found.

    Attributes
    ----------
    geometry
        (C, H, W) of the input, 0 where unknown.
    class_count
        0 where unknown.
    template
        The other fields of its `ModelInfo`.
    """

    labels: tuple[Emotion, ...] | None
    preprocessing: Preprocessing | None
    geometry: tuple[int, int, int]
    class_count: int
    template: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """Labelled pictures to try conventions on; never from the test split."""

    images: tuple[NDArray[np.uint8], ...]
    emotions: NDArray[np.int8]


@dataclass(frozen=True)
class Choice:
    """The description that was settled on, and how."""

    info: ModelInfo
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """How a model does on the sample."""

    images: int
    accuracy: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Trial:
    accuracy: float
    order: str
    values: str
    labels: tuple[Emotion, ...]
    preprocessing: Preprocessing


def labelled_sample(dataset: Dataset) -> Sample | None:
    """Return some labelled pictures outside the test split, None if there are none."""
    usable = np.flatnonzero((dataset.emotions >= 0) & (dataset.splits != Split.TEST))
    if not len(usable):
        return None
    chosen = np.random.default_rng(0).permutation(usable)[:_SAMPLE_IMAGES]
    images = tuple(dataset.image(int(index)) for index in chosen)
    return Sample(images, dataset.emotions[chosen])


def settle(given: Given, build: BuildModel, sample: Sample | None, name: str) -> Choice:
    """Complete the description of a network.

    Raises
    ------
    InputError
        If labels or preprocessing are missing and cannot be found.
    """
    if given.labels is not None and given.preprocessing is not None:
        return Choice(_info(given, given.labels, given.preprocessing, name))
    if sample is None:
        missing = "labels" if given.labels is None else "preprocessing"
        raise InputError(
            f"The file does not say what its {missing} are",
            why="a network's numbers mean nothing without them",
            next_step="Give labels and preprocessing, or labelled images to find them with "
            "(--data)",
        )
    trials = sorted(_trials(given, build, sample, name), key=lambda trial: -trial.accuracy)
    best = trials[0]
    _require_convincing(best, trials, name)
    note = (
        f"Of {len(trials)} conventions, {best.values} pixels and the label order of {best.order} "
        f"fit best: {best.accuracy:.1%} of {len(sample.images)} labelled images"
    )
    if len(trials) > 1:
        note += f" (next best {trials[1].accuracy:.1%})"
    return Choice(_info(given, best.labels, best.preprocessing, name), (note,))


def check(model: LoadedModel, sample: Sample) -> Checked:
    """Try a described model on the sample and warn if it knows nothing."""
    truth = targets(sample.emotions, model.info.labels)
    known = truth >= 0
    answers = _outputs(model, sample).argmax(axis=1)
    accuracy = float((answers[known] == truth[known]).mean()) if known.any() else 0.0
    notes: tuple[str, ...] = ()
    if accuracy < _LEAST_OVER_CHANCE / len(model.info.labels):
        notes = (f"Only {accuracy:.1%} of {int(known.sum())} images are right: check the labels",)
    return Checked(int(known.sum()), accuracy, notes)


def parse_preprocessing(values: dict[str, Any]) -> Preprocessing:
    """Build a preprocessing from JSON values.

    Raises
    ------
    InputError
        Naming the field that is wrong.
    """
    try:
        return Preprocessing.model_validate(values)
    except ValidationError as error:
        raise InputError(
            "Bad preprocessing",
            why=first_fault(error),
            next_step=f"Fields: {', '.join(Preprocessing.model_fields)}",
        ) from error


def _trials(given: Given, build: BuildModel, sample: Sample, name: str) -> list[_Trial]:
    trials: list[_Trial] = []
    for values, preprocessing in _preprocessings(given).items():
        labels = given.labels or next(iter(_orders(given).values()))
        model = build(_info(given, labels, preprocessing, name))
        try:
            answers = _outputs(model, sample).argmax(axis=1)
        except EmoStudioError:  # numbers blow up under a wrong scaling: that is an answer too
            continue
        for order, order_labels in _orders(given).items():
            truth = targets(sample.emotions, order_labels)
            accuracy = float((answers[truth >= 0] == truth[truth >= 0]).mean())
            trials.append(_Trial(accuracy, order, values, order_labels, preprocessing))
    if not trials:
        raise InputError(
            "None of the known conventions fits the network",
            next_step="Give its labels and preprocessing",
        )
    return trials


def _preprocessings(given: Given) -> dict[str, Preprocessing]:
    if given.preprocessing is not None:
        return {"the given": given.preprocessing}
    channels, height, width = given.geometry
    if not (channels and height and width):
        raise InputError(
            "The file does not say how large its input is",
            next_step='Give it, as in --preprocessing \'{"height": 64, "width": 64}\'',
        )
    return value_conventions(channels, height, width)


def _orders(given: Given) -> dict[str, tuple[Emotion, ...]]:
    if given.labels is not None:
        return {"the given labels": given.labels}
    orders = label_orders(given.class_count)
    if not orders:
        raise InputError(
            f"No published label order has {given.class_count} classes",
            next_step="Give the labels in the order of the outputs",
        )
    return orders


def _info(
    given: Given, labels: tuple[Emotion, ...], preprocessing: Preprocessing, name: str
) -> ModelInfo:
    return ModelInfo(name=name, labels=labels, preprocessing=preprocessing, **given.template)


def _outputs(model: LoadedModel, sample: Sample) -> NDArray[np.float32]:
    engine = "torch" if model.module is not None else None
    classifier = open_classifier(model, engine)
    try:
        return classifier.classify(sample.images)
    finally:
        classifier.close()


def _require_convincing(best: _Trial, trials: list[_Trial], name: str) -> None:
    chance = 1 / len(best.labels)
    rival = next((t for t in trials if t.labels != best.labels), None)
    is_close = rival is not None and best.accuracy - rival.accuracy < _LEAST_MARGIN
    if best.accuracy < _LEAST_OVER_CHANCE * chance or is_close:
        raise InputError(
            f"What the outputs of {name} mean could not be found out",
            why=f"the best of {len(trials)} conventions is right on {best.accuracy:.1%} of the "
            f"labelled images, chance is {chance:.1%}",
            next_step="Give the labels in the order of the outputs, and the preprocessing",
        )
