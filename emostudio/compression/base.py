"""What a compression method is, and what it is given when it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import BaseModel
from torch import nn

from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import Event
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import RecipeStep
from emostudio.data.dataset import Dataset
from emostudio.inference.classifier import Classifier
from emostudio.models.loaded import CodedTensor, LoadedModel
from emostudio.training.settings import TrainingSettings

SettingsT = TypeVar("SettingsT", bound=BaseModel)

# Traits: what a layer has become; `rules` says which methods may follow which trait.
PRUNED = "pruned"
SHARED = "shared"
ENTROPY_CODED = "entropy_coded"
LOW_RANK = "low_rank"
CHANNEL_PRUNED = "channel_pruned"
HASHED = "hashed"
TENSOR_TRAIN = "tensor_train"
BINARY = "binary"
BINARY_INPUTS = "binary_inputs"
QUANTISED = "quantised"
EXITS = "exits"


@dataclass(frozen=True)
class ApplyContext:
    """What a running method is given besides the model and its settings.

    Attributes
    ----------
    job
        Folder of this step (checkpoints go there), seed, device, threads, progress and cancel.
    dataset
        Images to fine-tune on; None where no step of the recipe trains.
    teacher
        The recipe's teacher, possibly a black box.
    train
        ``training.loop.train``; methods call it through `fine_tuning`.
    open_classifier
        Opens any model, black boxes too, for prediction.
    """

    job: JobContext
    dataset: Dataset | None
    teacher: LoadedModel
    train: Callable[..., Generator[Event, None, Any]]
    open_classifier: Callable[[LoadedModel], Classifier]

    def inside(self, name: str) -> ApplyContext:
        """Return the same context with the sub-folder `name` for its checkpoints."""
        return replace(self, job=replace(self.job, folder=self.job.folder / name))

    def training_data(self) -> Dataset:
        """Return the dataset.

        Raises
        ------
        EmoStudioError
            If the recipe was started without one.
        """
        if self.dataset is None:
            raise EmoStudioError(
                "This step needs training images",
                why="the recipe was started without a dataset",
                next_step="Choose a dataset, or set the step's epochs to 0",
            )
        return self.dataset


@dataclass(frozen=True)
class SkippedLayer:
    """A layer a method leaves alone, and why; `layer` empty stands for the whole model."""

    layer: str
    reason: str


@dataclass(frozen=True)
class PlannedTraining:
    """One training that a step will run.

    Attributes
    ----------
    settings
        As the training loop will get them.
    asks_teacher
        Whether the loss follows the recipe's teacher.
    model
        What is trained, where that is not the step's result.
    """

    settings: TrainingSettings
    asks_teacher: bool = False
    model: LoadedModel | None = None


@dataclass(frozen=True)
class Planned:
    """What a step will leave behind, known before any work.

    Attributes
    ----------
    model
        The resulting model without values: parameters on the meta device, packed arrays of the
        right sizes.
    exact
        Whether the bytes predicted from `model` will be the bytes on disk.
    trainings
        Trainings the step will run, on the network of `model` unless they name another.
    layers
        Paths of the layers that change, as they are called before the step.
    notes
        Lines for the user.
    skipped
        Layers left alone, with reasons.
    """

    model: LoadedModel
    exact: bool = True
    trainings: tuple[PlannedTraining, ...] = ()
    layers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[SkippedLayer, ...] = ()

    @property
    def epochs(self) -> int:
        """Training epochs of the step."""
        return sum(training.settings.epochs for training in self.trainings)


class Method(ABC, Generic[SettingsT]):
    """One compression technique; a file in ``methods/`` holds one instance named ``METHOD``.

    Attributes
    ----------
    key, title, family, summary, reference, settings_type
        What the catalogue shows; `settings_type` is a `core.settings.Settings`.
    claim
        What the literature reports; never ours.
    decided_by
        Key of the probe's reading that decides whether the method pays on a machine, or why none
        does: a key of `core.machine_card.NO_READING`. Empty says nothing.
    leaves
        Traits (`rules.PRUNED` and others) that layers have after the method.
    codecs
        Names of the codecs the method can `unpack`.
    needs_layers
        Whether the method changes layers of the given network, so that black boxes and networks
        without a fitting layer are refused.
    calibrates
        Whether the method looks at training images even where it trains nothing.
    refuses_black_box
        Why a method that changes no layers still has to look inside the teacher; empty if it
        does not.
    """

    key: str
    title: str
    family: str
    summary: str
    reference: str
    settings_type: type[SettingsT]
    claim: ClaimInfo | None = None
    decided_by: str = ""
    leaves: frozenset[str] = frozenset()
    codecs: tuple[str, ...] = ()
    needs_layers: bool = True
    calibrates: bool = False
    refuses_black_box: str = ""

    def why_unavailable(self) -> str:
        """Return why the method cannot run on this machine, or nothing."""
        return ""

    def refuses(self, name: str, layer: nn.Module, settings: SettingsT) -> str:
        """Return why `layer` cannot be changed with `settings`, or nothing."""
        del name, layer, settings
        return ""

    def expand(self, settings: SettingsT) -> tuple[RecipeStep, ...]:
        """Return the steps the method stands for, or nothing if it is a step itself."""
        del settings
        return ()

    @abstractmethod
    def plan(self, model: LoadedModel, settings: SettingsT) -> Planned:
        """Predict what `apply` leaves behind; values of `model` are never read."""

    @abstractmethod
    def apply(
        self, model: LoadedModel, settings: SettingsT, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Return a compressed copy of `model`, which is left untouched."""

    def paper_bytes(self, model: LoadedModel) -> int | None:
        """Return the size of a variant as the survey counts it, where it counts otherwise."""
        del model
        return None

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return what takes the place of `layer` when a variant is loaded.

        Parameters
        ----------
        layer
            The layer as the architecture builds it; its values do not matter.
        arguments
            As stored in the variant's `StructureRecord`.

        Raises
        ------
        InputError
            If the method makes no such layer: the file is damaged or forged.
        """
        del layer, arguments
        raise InputError(
            "A layer cannot be rebuilt",
            why=f"{self.title} changes no structure",
            next_step="Get a fresh copy of the file",
        )

    def unpack(self, coded: CodedTensor) -> np.ndarray:
        """Return the values of a packed tensor.

        Raises
        ------
        InputError
            If the packed data are damaged.
        """
        raise InputError(
            "A tensor cannot be unpacked",
            why=f"{self.title} has no {coded.codec}",
            next_step="Get a fresh copy of the file",
        )
