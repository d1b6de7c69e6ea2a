"""The steps that move a training run on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.core.events import EpochDone, Event, StepDone
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo
from emostudio.training.averaging import WeightAverage
from emostudio.training.batches import Batches
from emostudio.training.divergence import (
    DeadStartWatch,
    require_finite_gradients,
    require_finite_loss,
    require_finite_weights,
)
from emostudio.training.doctor import Doctor
from emostudio.training.heads import over_heads
from emostudio.training.objectives import Annealed, Objective
from emostudio.training.optimisers import make_optimiser
from emostudio.training.schedules import learning_rate, next_share
from emostudio.training.settings import TrainingSettings
from emostudio.training.state import Counters, RunState
from emostudio.training.validation import Validation, validate

AfterStep = Callable[[int, int, torch.optim.Optimizer], object]
"""``after_step(step, total_steps, optimiser)``; steps count from 1."""


class TrainingRun:
    """Trains one network step by step; `state` is consistent between any two calls.

    Parameters
    ----------
    module
        Trained in place, already on its device.
    objective
        What to learn from.
    batches
        The data.
    info
        Labels and preprocessing of the network.
    settings, context
        The run's.
    after_step
        Called after every optimiser step.
    """

    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        batches: Batches,
        info: ModelInfo,
        settings: TrainingSettings,
        context: JobContext,
        after_step: AfterStep | None,
    ) -> None:
        self.state = RunState(
            module=module,
            optimiser=make_optimiser(module, settings),
            average=WeightAverage(module, settings.ema_decay),
            counters=Counters(),
        )
        self._objective = over_heads(objective, module)
        self._batches, self._info = batches, info
        self._settings, self._context, self._after_step = settings, context, after_step
        self._device = next(iter(module.state_dict().values())).device
        self._watch = DeadStartWatch(len(info.labels))
        self._doctor = Doctor(module)

    @property
    def description(self) -> dict[str, Any]:
        """What the run is made of: a checkpoint of another one is of no use to it."""
        return {
            "objective": self._objective.key,
            "dataset": self._batches.source,
            "labels": self._info.labels,
            "preprocessing": self._info.preprocessing.model_dump(mode="json"),
            "structure": [record.model_dump(mode="json") for record in self._info.structure],
            "settings": self._settings.model_dump(mode="json"),
            "seed": self._context.seed,
        }

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole training, without a time limit."""
        return self._settings.epochs * self._batches.steps_per_epoch

    @property
    def seconds_left(self) -> float:
        """Time until the limit less what the last validation needs; infinite without one."""
        counters, limit = self.state.counters, self._settings.time_limit_s
        return limit - counters.busy_s - counters.validation_s if limit else math.inf

    @property
    def is_out_of_time(self) -> bool:
        """Whether another step would break the time limit."""
        return self.seconds_left < self.state.counters.step_s

    def order(self) -> list[NDArray[np.int64]]:
        """Return the items of the steps that are left in this epoch."""
        return self._batches.order(self.state.counters.epoch)[self.state.counters.batch :]

    def step(self, items: NDArray[np.int64]) -> StepDone:
        """Do one optimiser step.

        Raises
        ------
        DivergedError
            If the loss, a gradient or a weight is not finite, or learning never starts.
        """
        started = time.perf_counter()
        counters = self.state.counters
        share = next_share(
            counters.progress,
            self.total_steps - counters.step,
            self.seconds_left,
            counters.step_s,
        )
        rate = learning_rate(self._settings, counters.progress + share / 2)
        for group in self.state.optimiser.param_groups:
            group["lr"] = rate
        loss = self._learn(items)
        counters.step += 1
        counters.batch += 1
        counters.progress = min(counters.progress + share, 1.0)
        seconds = time.perf_counter() - started
        counters.add_busy(seconds)
        return StepDone(
            step=counters.step,
            epoch=counters.epoch + 1,
            loss=loss,
            learning_rate=rate,
            images_per_s=len(items) / seconds,
            step_ms=seconds * 1e3,
        )

    def _learn(self, items: NDArray[np.int64]) -> float:
        state, number = self.state, self.state.counters.step + 1
        batch = self._batches.training_batch(items, state.counters.epoch)
        inputs = batch.inputs(self._info.preprocessing)
        inputs = inputs.to(self._device, memory_format=torch.channels_last)
        state.module.train()
        state.optimiser.zero_grad(set_to_none=True)
        logits = state.module(inputs)
        self._anneal()
        loss, reference = self._objective.outcome(logits, batch)
        require_finite_loss(loss, state.module, inputs, number)
        loss.backward()  # type: ignore[no-untyped-call]
        self._limit_gradients(number)
        state.optimiser.step()
        if self._after_step is not None:
            self._after_step(number, self._expected_steps(number), state.optimiser)
        require_finite_weights(state.module, number)
        self._doctor.observe()
        state.average.update(number)
        self._count(loss.item(), logits.detach(), reference, len(items))
        return loss.item()

    def _anneal(self) -> None:
        if isinstance(self._objective, Annealed):
            self._objective.anneal(self.state.counters.progress)

    def _limit_gradients(self, number: int) -> None:
        module, limit = self.state.module, self._settings.clip_norm
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        # Clipping by a norm that is not finite would spoil every gradient and hide the culprit.
        require_finite_gradients(module, norm, number)
        if limit:
            nn.utils.clip_grads_with_norm_(module.parameters(), limit, norm)

    def _expected_steps(self, step: int) -> int:
        if not self._settings.time_limit_s:
            return self.total_steps
        done = max(self.state.counters.progress, 1.0 / self.total_steps)
        return min(self.total_steps, max(step, round(step / done)))

    def _count(
        self, loss: float, logits: torch.Tensor, reference: torch.Tensor, images: int
    ) -> None:
        counters = self.state.counters
        if self._objective.starts_at_chance:
            counters.flat_steps = self._watch.observe(loss, counters.flat_steps, counters.step + 1)
        known = reference >= 0
        counters.loss_sum += loss * images
        counters.images += images
        counters.total_images += images
        counters.errors += int(((logits.argmax(dim=1) != reference) & known).sum())
        counters.judged += int(known.sum())

    def health(self, *, epoch_ends: bool = False) -> Iterator[Event]:
        """Yield what the doctor has to say, where it is time."""
        counters = self.state.counters
        if self._doctor.is_due(epoch_ends=epoch_ends):
            yield from self._doctor.report(counters.step, counters.epoch + 1)

    def end_epoch(self) -> EpochDone:
        """Validate, keep the best weights, and decide whether to go on."""
        counters, started = self.state.counters, time.perf_counter()
        self._anneal()
        with self.state.average.applied():
            validation = validate(
                self.state.module,
                self._objective,
                self._batches.validation_batches(),
                self._info,
                lambda: self._context.report(counters.progress, "Validating"),
            )
        counters.validation_s = time.perf_counter() - started
        counters.add_busy(counters.validation_s)
        event = self._epoch_event(validation)
        counters.history.append(event.model_dump(exclude={"type"}))
        counters.epoch += 1
        counters.start_epoch()
        self._judge(validation)
        return event

    def _epoch_event(self, validation: Validation) -> EpochDone:
        counters = self.state.counters
        expected = counters.busy_s * (1.0 - counters.progress) / max(counters.progress, 1e-9)
        return EpochDone(
            epoch=counters.epoch + 1,
            epochs=self._settings.epochs,
            train_loss=counters.loss_sum / max(counters.images, 1),
            train_error=counters.errors / max(counters.judged, 1),
            validation_loss=validation.loss,
            validation_error=validation.error,
            learning_rate=learning_rate(self._settings, counters.progress),
            seconds=counters.epoch_busy_s,
            seconds_left=min(expected, max(self.seconds_left, 0.0)),
        )

    def _judge(self, validation: Validation) -> None:
        counters, patience = self.state.counters, self._settings.early_stop_patience
        score = -1.0 if validation.macro_f1 is None else validation.macro_f1
        improved = validation.macro_f1 is None or score > counters.best_score
        counters.stale_epochs = 0 if improved else counters.stale_epochs + 1
        # Among equals the later epoch wins: its learning rate was lower.
        keeps_all = self._settings.keep == "last"
        if improved or keeps_all or score == counters.best_score:
            counters.best_score = max(score, counters.best_score)
            counters.best_epoch = counters.epoch
            self.state.best = self.state.average.weights()
        if counters.epoch >= self._settings.epochs:
            counters.stopped = "epochs"
        elif self.is_out_of_time:
            counters.stopped = "time"
        elif patience and counters.stale_epochs >= patience:
            counters.stopped = "patience"
