"""What a training run is made of at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from emostudio.training.averaging import WeightAverage


@dataclass
class Counters:
    """Everything about a run that is not a tensor.

    Attributes
    ----------
    step, epoch, batch
        Optimiser steps done, epochs done, and steps done in the epoch that runs.
    progress
        Share of the learning-rate schedule that is done.
    busy_s, validation_s, epoch_busy_s
        Seconds of work: in all, in the last validation, in the epoch that runs.
    total_images
        Training images seen.
    loss_sum, images, errors, judged
        Sums over the epoch that runs.
    flat_steps
        Steps in a row at the loss of chance.
    best_epoch, best_score, stale_epochs
        Best validation macro-F1 so far (-1 before any), and epochs since.
    stopped
        Why the training is over, empty while it runs.
    history
        One table per epoch.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    progress: float = 0.0
    busy_s: float = 0.0
    validation_s: float = 0.0
    epoch_busy_s: float = 0.0
    total_images: int = 0
    loss_sum: float = 0.0
    images: int = 0
    errors: int = 0
    judged: int = 0
    flat_steps: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    stale_epochs: int = 0
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def step_s(self) -> float:
        """Seconds per step so far, validation included; 0 before the first."""
        return self.busy_s / self.step if self.step else 0.0

    def add_busy(self, seconds: float) -> None:
        """Count seconds of work."""
        self.busy_s += seconds
        self.epoch_busy_s += seconds

    def start_epoch(self) -> None:
        """Clear the sums of the epoch that ended."""
        self.batch = self.images = self.errors = self.judged = 0
        self.loss_sum = self.epoch_busy_s = 0.0


@dataclass
class RunState:
    """A network in training with all that a checkpoint has to hold.

    Attributes
    ----------
    module, optimiser, average
        The network and what moves with it.
    counters
        Everything that is not a tensor.
    best
        Weights of the best epoch, None before the first validation.
    """

    module: nn.Module
    optimiser: torch.optim.Optimizer
    average: WeightAverage
    counters: Counters
    best: dict[str, torch.Tensor] | None = None
