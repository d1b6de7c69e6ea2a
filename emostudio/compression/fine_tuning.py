"""Training between compression steps, with the settings that every method shares."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from torch import nn

from emostudio.compression.base import ApplyContext, PlannedTraining
from emostudio.core.events import Event
from emostudio.core.model_info import ModelInfo
from emostudio.core.settings import Settings, setting
from emostudio.data.base import Split
from emostudio.training.objectives import Hinton, Objective, SoftmaxKld, Supervised
from emostudio.training.run import AfterStep
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher

_TEMPERATURE = 4.0


class LayerSettings(Settings):
    """Settings of methods that change some of a network's layers."""

    layers: str = setting(
        "all",
        title="Layers",
        help="Layer names or wildcards such as fire*.expand3x3, separated by blanks or +.",
    )


class TrainingLimits(Settings):
    """Settings that keep a training within bounds."""

    max_images: int = setting(
        0,
        title="Images per epoch",
        help="Use a random part of the training images in each epoch; 0 uses all.",
        unit="images",
        low=0,
        high=10_000_000,
        advanced=True,
    )
    time_limit_s: float = setting(
        0.0,
        title="Time limit",
        help="Training ends in time with the schedule fitted to it; 0 sets no limit.",
        unit="s",
        low=0.0,
        high=1e7,
        advanced=True,
    )


class SparsitySettings(Settings):
    """How much of each kind of layer is pruned."""

    sparsity_conv: float = setting(
        0.6,
        title="Zeros in convolutions",
        help="Share of each convolution's weights set to zero.",
        low=0.0,
        high=0.99,
    )
    sparsity_linear: float = setting(
        0.9,
        title="Zeros in linear layers",
        help="Share of each fully connected layer's weights set to zero.",
        low=0.0,
        high=0.995,
    )


class BitSettings(Settings):
    """How many values the weights of each kind of layer share."""

    bits_conv: int = setting(
        8,
        title="Bits in convolutions",
        help="Each weight becomes one of 2 to the power of this many values.",
        unit="bit",
        low=1,
        high=8,
    )
    bits_linear: int = setting(
        5,
        title="Bits in linear layers",
        help="As above, for fully connected layers.",
        unit="bit",
        low=1,
        high=8,
    )


class FineTuneSettings(TrainingLimits, LayerSettings):
    """Settings of methods that train afterwards to win back accuracy."""

    epochs: int = setting(
        10,
        title="Fine-tuning epochs",
        help="Passes over the training images; 0 changes the weights without any training.",
        low=0,
        high=1000,
    )
    learning_rate: float = setting(
        1e-3,
        title="Learning rate",
        help="Step size of the fine-tuning; a tenth of that of the first training is usual.",
        low=1e-7,
        high=1.0,
    )
    batch_size: int = setting(
        64, title="Batch size", help="Images per step.", unit="images", low=1, high=4096
    )
    distillation_weight: float = setting(
        0.0,
        title="Weight of the teacher",
        help="Share of the loss that follows the recipe's teacher instead of the labels.",
        low=0.0,
        high=1.0,
    )


def planned_training(settings: FineTuneSettings, **changes: Any) -> tuple[PlannedTraining, ...]:
    """Return what `fine_tune` will run with the same arguments: nothing without epochs."""
    if not settings.epochs:
        return ()
    asks_teacher = settings.distillation_weight > 0
    return (PlannedTraining(_training_settings(settings, **changes), asks_teacher),)


def fine_tune(
    network: nn.Module,
    info: ModelInfo,
    settings: FineTuneSettings,
    context: ApplyContext,
    after_step: AfterStep | None = None,
    fixed: Collection[str] = (),
    **changes: Any,
) -> Generator[Event, None, None]:
    """Train `network` in place on the context's dataset.

    Parameters
    ----------
    network
        On the CPU; back there afterwards.
    info
        Labels and preprocessing of the network.
    settings
        The method's.
    context
        Data, teacher, folder for checkpoints.
    after_step
        For `training.loop.train`.
    fixed
        Parameters that keep their values, such as those that an earlier step has packed.
    **changes
        Overrides of `TrainingSettings`.
    """
    training = _training_settings(settings, **changes)
    dataset = context.training_data()
    with ExitStack() as opened:
        opened.enter_context(_held(network, fixed))
        objective = opened.enter_context(opened_objective(info, settings, context))
        yield from context.train(
            network, objective, dataset, info, training, context.job, after_step=after_step
        )
    network.to("cpu").eval()


@contextmanager
def _held(network: nn.Module, names: Collection[str]) -> Iterator[None]:
    held = [parameter for name, parameter in network.named_parameters() if name in names]
    for parameter in held:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad = True


def _training_settings(settings: FineTuneSettings, **changes: Any) -> TrainingSettings:
    values: dict[str, Any] = {
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "max_images": settings.max_images,
        "time_limit_s": settings.time_limit_s,
        "optimiser": "sgd",
        "weight_decay": 1e-4,
        "warmup_epochs": 0.0,
        # an average or an earlier epoch would bring back weights from before the compression
        "ema_decay": 0.0,
        "early_stop_patience": 0,
        "keep": "last",
        **changes,
    }
    return TrainingSettings(**values)


@contextmanager
def opened_objective(
    info: ModelInfo, settings: FineTuneSettings, context: ApplyContext
) -> Iterator[Objective]:
    """Yield the loss: labels where there are some, the teacher where asked for or without."""
    labelled = has_labels(context)
    if labelled and settings.distillation_weight == 0:
        yield Supervised()
        return
    with closing(context.open_classifier(context.teacher)) as classifier:
        teacher = Teacher(classifier)
        if labelled:
            yield Hinton(teacher, info.labels, _TEMPERATURE, settings.distillation_weight)
        else:
            yield SoftmaxKld(teacher, info.labels, _TEMPERATURE)


def has_labels(context: ApplyContext) -> bool:
    """Whether the training images carry labels."""
    dataset = context.training_data()
    return bool((dataset.emotions[dataset.indices(Split.TRAIN)] >= 0).any())
