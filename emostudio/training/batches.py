"""Batches of a dataset: order, variations, labels and weights, all from seed and epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.data.base import Split
from emostudio.data.labels import targets
from emostudio.data.transforms import normalise, transformed
from emostudio.training.augmentation import draw_variations
from emostudio.training.settings import TrainingSettings

_VALIDATION_BATCH = 256
_ORDER_STREAM = 1


class PictureSet(Protocol):
    """The part of a `Dataset` that training needs."""

    name: str
    emotions: NDArray[np.int8]

    def indices(self, split: Split) -> NDArray[np.int64]:
        """Return the places of a split's pictures."""

    def pixels(
        self, preprocessing: Preprocessing, context: JobContext | None = None
    ) -> NDArray[np.uint8]:
        """Return all pictures at a model's input size, uint8 (N, H, W, C)."""


class Pictures:
    """The pixels of a dataset at any input size, each size opened once."""

    def __init__(self, dataset: PictureSet, context: JobContext) -> None:
        self._dataset = dataset
        self._context = context
        self._opened: dict[str, NDArray[np.uint8]] = {}

    def at(self, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Return all pictures, uint8 (N, H, W, C), memory-mapped."""
        key = preprocessing.pixel_key
        if key not in self._opened:
            self._opened[key] = self._dataset.pixels(preprocessing, self._context)
        return self._opened[key]


@dataclass(frozen=True)
class Batch:
    """Some pictures of a dataset, varied in one way.

    Attributes
    ----------
    items
        Places in the dataset, int64 (N,).
    targets
        Places in the student's labels, int64 (N,); -1 without a label.
    weights
        Weight of each labelled picture in a supervised loss, float32 (N,).
    view
        Number of the variation; -1 shows the pictures as they are.
    repeats
        Whether the same view of the same pictures comes again, so that answers are worth keeping.
    """

    items: NDArray[np.int64]
    targets: torch.Tensor
    weights: torch.Tensor
    view: int
    repeats: bool
    pictures: Pictures
    settings: TrainingSettings
    seed: int

    def pixels(self, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Return the pictures at a model's input size, varied alike at every size."""
        if self.view < 0:
            return np.asarray(self.pictures.at(preprocessing)[self.items])
        # a variation is one of the face: turned or brightened patterns would be another face's
        pixels = np.asarray(self.pictures.at(preprocessing.untransformed)[self.items])
        varied = draw_variations(self.settings, self.seed, self.view, self.items).apply(pixels)
        return transformed(varied, preprocessing)

    def inputs(self, preprocessing: Preprocessing) -> torch.Tensor:
        """Return the network input, float32 (N, C, H, W)."""
        return torch.from_numpy(normalise(self.pixels(preprocessing), preprocessing))


class Batches:
    """The training and validation batches of a run.

    Parameters
    ----------
    dataset
        Only its training and validation splits are ever asked for.
    info
        Labels and preprocessing of the student.
    settings, context
        The run's.
    needs_labels
        Whether pictures without a label are left out.

    Attributes
    ----------
    source
        What tells the dataset from others.

    Raises
    ------
    InputError
        If nothing is left to train on.
    """

    def __init__(
        self,
        dataset: PictureSet,
        info: ModelInfo,
        settings: TrainingSettings,
        context: JobContext,
        *,
        needs_labels: bool,
    ) -> None:
        self.source = str(getattr(dataset, "fingerprint", dataset.name))
        self._settings, self._seed = settings, context.seed
        self._targets = targets(dataset.emotions, info.labels)
        self._pictures = Pictures(dataset, context)
        self._train = self._usable(dataset.indices(Split.TRAIN), needs_labels=needs_labels)
        self._validation = self._usable(
            dataset.indices(Split.VALIDATION), needs_labels=needs_labels
        )
        if not len(self._train):
            raise InputError(
                f"{dataset.name} has nothing to train on",
                why="its training split holds no picture with one of the labels "
                + ", ".join(info.labels),
                next_step="Check the splits and the label map of the data",
            )
        self._weights = self._item_weights(len(info.labels))

    def _usable(self, items: NDArray[np.int64], *, needs_labels: bool) -> NDArray[np.int64]:
        return items[self._targets[items] >= 0] if needs_labels else items

    def _item_weights(self, class_count: int) -> NDArray[np.float32]:
        known = self._targets[self._train]
        counts = np.bincount(known[known >= 0], minlength=class_count)
        if self._settings.class_balance == "none" or not counts.any():
            return np.ones(class_count, dtype=np.float32)
        weights = np.where(counts > 0, 1.0 / np.sqrt(np.maximum(counts, 1)), 0.0)
        scaled = weights * (counts.sum() / (weights * counts).sum())
        return np.asarray(scaled, dtype=np.float32)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in each epoch."""
        return len(self._cuts(self._images_per_epoch))

    @property
    def _images_per_epoch(self) -> int:
        limit = self._settings.max_images or len(self._train)
        return min(limit, len(self._train))

    def _cuts(self, count: int) -> list[slice]:
        size = self._settings.batch_size
        cuts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
        # Batch normalisation cannot train on a single picture.
        if len(cuts) > 1 and cuts[-1].stop - cuts[-1].start == 1:
            cuts.pop()
        return cuts

    def order(self, epoch: int) -> list[NDArray[np.int64]]:
        """Return the items of each step of an epoch."""
        random = np.random.default_rng([self._seed % 2**64, _ORDER_STREAM, epoch])
        shuffled = random.permutation(self._train)
        return [shuffled[cut] for cut in self._cuts(self._images_per_epoch)]

    def training_batch(self, items: NDArray[np.int64], epoch: int) -> Batch:
        """Return the varied pictures of one step."""
        view = -1
        if self._settings.augmentation:
            view = epoch % self._settings.views if self._settings.views else epoch
        return self._batch(items, view)

    def validation_batches(self) -> list[Batch]:
        """Return the validation split as it is."""
        return self._unvaried(self._validation)

    def unvaried_batches(self) -> list[Batch]:
        """Return the training split as it is, once, in the order of the dataset."""
        return [replace(batch, repeats=False) for batch in self._unvaried(self._train)]

    def _unvaried(self, items: NDArray[np.int64]) -> list[Batch]:
        starts = range(0, len(items), _VALIDATION_BATCH)
        return [self._batch(items[start : start + _VALIDATION_BATCH], -1) for start in starts]

    def _batch(self, items: NDArray[np.int64], view: int) -> Batch:
        places = self._targets[items]
        weights = np.where(places >= 0, self._weights[places], 0.0).astype(np.float32)
        return Batch(
            items=items,
            targets=torch.from_numpy(places),
            weights=torch.from_numpy(weights),
            view=view,
            repeats=view < 0 or self._settings.views > 0,
            pictures=self._pictures,
            settings=self._settings,
            seed=self._seed,
        )
