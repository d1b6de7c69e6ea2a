"""Early exits: easy pictures leave the network half way.

Use it where single pictures are classified one after another and most of them are easy. The file
grows by the branches; time is saved only for pictures that leave early. On a network that has
exits already, the step only calibrates them anew.

References
----------
.. [1] Teerapittayanon, McDanel and Kung, "BranchyNet: fast inference via early exiting from deep
   neural networks", ICPR 2016, arXiv:1709.01686.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import (
    EXITS,
    ApplyContext,
    Method,
    Planned,
    PlannedTraining,
    SkippedLayer,
)
from emostudio.compression.exits import calibrated, checked_arguments, with_exits
from emostudio.compression.fine_tuning import (
    FineTuneSettings,
    TrainingLimits,
    fine_tune,
    planned_training,
)
from emostudio.compression.surgery import skeleton, with_structure
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError, UnsupportedLayerError
from emostudio.core.events import Event
from emostudio.core.machine_card import PICTURES
from emostudio.core.model_info import StructureRecord
from emostudio.core.settings import setting
from emostudio.models.branch_points import branch_points, head_weights
from emostudio.models.branchy import BranchyNet
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.models.loaded import LoadedModel

_TRAINING: Mapping[str, Any] = {"optimiser": "adamw", "weight_decay": 1e-2}
_JOINT_SHARE = 0.1
"""Learning rate of the joint training over that of the branches."""


class EarlyExitSettings(TrainingLimits):
    """Where the exits are, how they are trained, and what they may cost."""

    after: str = setting(
        "auto",
        title="Exits after",
        help="Names of layers; auto takes the usual ones of the architecture, else those next to "
        "a third and two thirds of the multiply-adds.",
    )
    weights: Literal["equal", "early-heavy"] = setting(
        "equal",
        title="Weights of the exits",
        help="Equal is 1, 1, 1; early-heavy is 1, 0.6, 0.3 and favours the first exit.",
    )
    tolerance: float = setting(
        0.005,
        title="Accuracy given up",
        help="Share of accuracy on the validation images that the exits may cost.",
        low=0.0,
        high=0.5,
    )
    branch_epochs: int = setting(
        5,
        title="Epochs of the branches",
        help="Passes over the training images in which only the branches learn.",
        low=0,
        high=1000,
    )
    epochs: int = setting(
        20,
        title="Joint epochs",
        help="Passes in which branches and trunk learn together, at a tenth of the learning rate.",
        low=0,
        high=1000,
    )
    learning_rate: float = setting(
        3e-4, title="Learning rate", help="Of the branches.", low=1e-7, high=1.0
    )
    batch_size: int = setting(
        64, title="Batch size", help="Images per step.", unit="images", low=1, high=4096
    )
    distillation_weight: float = setting(
        0.0,
        title="Weight of the teacher",
        help="Share of every head's loss that follows the recipe's teacher instead of the labels.",
        low=0.0,
        high=1.0,
    )


class EarlyExits(Method[EarlyExitSettings]):
    """Adds small classifiers behind some layers, trains them, and calibrates when to stop."""

    key = "early_exits"
    title = "Early exits"
    family = rules.EARLY_EXITS
    summary = "Sure answers leave the network half way; less work per picture, a larger file."
    reference = "Teerapittayanon et al., ICPR 2016, arXiv:1709.01686"
    settings_type = EarlyExitSettings
    decided_by = PICTURES
    claim = ClaimInfo(faster=1.9, baseline="ResNet-110 on CIFAR-10, batch 1", source="Table 1")
    leaves = frozenset({EXITS})

    def plan(self, model: LoadedModel, settings: EarlyExitSettings) -> Planned:
        """Predict the network with its branches: sizes are exact."""
        planned = skeleton(model)
        if isinstance(planned.module, BranchyNet):
            return Planned(
                planned,
                layers=tuple(planned.module.exits),
                notes=("the network has exits: only their thresholds are chosen anew",),
            )
        try:
            points = _points(planned, settings)
        except InputError as error:
            if settings.after.strip() not in ("", "auto"):
                raise
            return Planned(planned, skipped=(SkippedLayer("", str(error)),))
        with torch.device("meta"):
            planned = _wrapped(planned, points, settings)
        return Planned(
            planned,
            trainings=_trainings(settings),
            layers=tuple(points),
            notes=(f"exits after {', '.join(points)}; the file grows by the branches",),
        )

    def apply(
        self, model: LoadedModel, settings: EarlyExitSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Add, train and calibrate exits on a copy; calibrate those that are there."""
        result = model.copy()
        if not isinstance(result.module, BranchyNet):
            points = _points(skeleton(model), settings)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(context.job.seed)
                result = _wrapped(result, points, settings)
            yield from _train(result, settings, context)
        return (yield from calibrated(result, settings.tolerance, context))

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return the network `layer` with branches, without values."""
        exits, classes, weights = checked_arguments(arguments)
        return with_exits(layer, exits, classes, head_weights(weights, len(exits)))


def _points(model: LoadedModel, settings: EarlyExitSettings) -> dict[str, int]:
    if model.module is None:
        raise InputError("only the outputs of a black box are known")
    family = ARCHITECTURES.get(model.info.architecture).family
    return branch_points(model.module, family, settings.after, model.input_shape)


def _wrapped(
    model: LoadedModel, points: Mapping[str, int], settings: EarlyExitSettings
) -> LoadedModel:
    classes = len(model.info.labels)
    weights = head_weights(settings.weights, len(points))
    network = with_exits(model.network(), points, classes, weights).eval()
    arguments = {"exits": dict(points), "classes": classes, "weights": settings.weights}
    record = StructureRecord(layer="", method=EarlyExits.key, arguments=arguments)
    return replace(with_structure(model, record), module=network)


def _train(
    model: LoadedModel, settings: EarlyExitSettings, context: ApplyContext
) -> Generator[Event, None, None]:
    """Train the branches on the trunk as it is, then all that no earlier step has packed."""
    network = model.network()
    if not isinstance(network, BranchyNet):
        raise UnsupportedLayerError("The network has no exits to train")
    branches, joint = _phases(settings)
    trunk = [name for name, _ in network.named_parameters() if not name.startswith("exits.")]
    phases = (("branches", branches, trunk), ("joint", joint, list(model.coded)))
    for name, phase, fixed in phases:
        if not phase.epochs:
            continue
        network.freezes_trunk = phase is branches
        try:
            yield from fine_tune(
                network, model.info, phase, context.inside(name), fixed=fixed, **_TRAINING
            )
        finally:
            network.freezes_trunk = False


def _phases(settings: EarlyExitSettings) -> tuple[FineTuneSettings, FineTuneSettings]:
    """Return the training of the branches and the joint one."""
    shared = settings.model_dump(include={"batch_size", "distillation_weight", "max_images"})
    passes = max(settings.branch_epochs + settings.epochs, 1)
    rate = settings.learning_rate

    def phase(epochs: int, learning_rate: float) -> FineTuneSettings:
        limit_s = settings.time_limit_s * epochs / passes
        return FineTuneSettings(
            epochs=epochs, learning_rate=learning_rate, time_limit_s=limit_s, **shared
        )

    return (
        phase(settings.branch_epochs, rate),
        phase(settings.epochs, max(rate * _JOINT_SHARE, 1e-7)),
    )


def _trainings(settings: EarlyExitSettings) -> tuple[PlannedTraining, ...]:
    return tuple(
        training for phase in _phases(settings) for training in planned_training(phase, **_TRAINING)
    )


METHOD = EarlyExits()
