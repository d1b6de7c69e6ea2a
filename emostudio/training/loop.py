"""The training loop: a generator of events around a run that can be taken up at any moment."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from emostudio.core.errors import JobCancelled
from emostudio.core.events import Event
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo
from emostudio.data.dataset import Dataset
from emostudio.training.batches import Batches
from emostudio.training.devices import prepared
from emostudio.training.keeper import Keeper
from emostudio.training.objectives import Objective
from emostudio.training.run import AfterStep, TrainingRun
from emostudio.training.settings import TrainingSettings


@dataclass(frozen=True)
class TrainResult:
    """How a training ended; the network then holds the weights of the best epoch.

    Attributes
    ----------
    epochs, steps
        Epochs ended and optimiser steps done.
    stopped
        ``epochs`` (all done), ``patience``, ``time``, or empty where nothing was to do.
    best_epoch
        Epoch whose weights are kept: the one with the best validation macro-F1, or the last one
        where there are no validation images or the settings say so.
    macro_f1, validation_error
        Best macro-F1, and error of the epoch that is kept; None without validation images.
    train_error
        Of the last epoch, while it ran; None where nothing was to do.
    seconds
        Time of work.
    images_per_s
        Training images per second of work, validation included.
    history
        One table per epoch with the fields of `core.events.EpochDone`.
    """

    epochs: int = 0
    steps: int = 0
    stopped: str = ""
    best_epoch: int = 0
    macro_f1: float | None = None
    validation_error: float | None = None
    train_error: float | None = None
    seconds: float = 0.0
    images_per_s: float = 0.0
    history: tuple[dict[str, Any], ...] = ()


def train(
    module: nn.Module,
    objective: Objective,
    dataset: Dataset,
    info: ModelInfo,
    settings: TrainingSettings,
    context: JobContext,
    *,
    after_step: AfterStep | None = None,
) -> Generator[Event, None, TrainResult]:
    """Train `module` in place, resuming from the newest checkpoint in the context's folder.

    The same seed, threads and device give the same weights bit by bit, however often the run was
    stopped in between, as long as no time limit is set. The test split is never looked at.

    Parameters
    ----------
    module
        Raw logits out; holds the weights of the best epoch at the end.
    objective
        What to learn from.
    dataset
        Training and validation pictures.
    info
        Labels and preprocessing of the network.
    settings
        How to train.
    context
        Folder for ``checkpoints``, seed, device, threads, progress and cancel.
    after_step
        ``after_step(step, total_steps, optimiser)`` is called after every optimiser step, to put
        masks or shared values back; steps count from 1, with a time limit the total is a guess.

    Yields
    ------
    Event
        `StepDone`, `EpochDone`, `LayerHealth`, `CheckpointSaved` and `Note`.

    Returns
    -------
    TrainResult

    Raises
    ------
    DivergedError
        At the step that met a non-finite loss or weight; the last good checkpoint is kept.
    InputError
        If there is nothing to train on, or the machine lacks the device.
    """
    if settings.epochs == 0:
        return TrainResult()
    with prepared(context, module):
        batches = Batches(dataset, info, settings, context, needs_labels=objective.needs_labels)
        run = TrainingRun(module, objective, batches, info, settings, context, after_step)
        keeper = Keeper(run.state, run.description, context, settings.checkpoint_s)
        yield from keeper.restore()
        yield from _epochs(run, keeper, context)
        if run.state.best is not None:
            module.load_state_dict(run.state.best)
    return _result(run)


def _epochs(run: TrainingRun, keeper: Keeper, context: JobContext) -> Iterator[Event]:
    try:
        while not run.state.counters.stopped:
            yield from _epoch(run, keeper, context)
    except (GeneratorExit, JobCancelled):
        list(keeper.save())
        raise


def _epoch(run: TrainingRun, keeper: Keeper, context: JobContext) -> Iterator[Event]:
    counters = run.state.counters
    for items in run.order():
        if run.is_out_of_time:
            break
        yield run.step(items)
        yield from run.health()
        if keeper.is_due:
            yield from keeper.save()
        context.report(counters.progress, f"Epoch {counters.epoch + 1}")
    yield from run.health(epoch_ends=True)
    yield run.end_epoch()
    yield from keeper.save()


def _result(run: TrainingRun) -> TrainResult:
    counters = run.state.counters
    best = counters.history[counters.best_epoch - 1] if counters.best_epoch else {}
    return TrainResult(
        epochs=counters.epoch,
        steps=counters.step,
        stopped=counters.stopped,
        best_epoch=counters.best_epoch,
        macro_f1=counters.best_score if counters.best_score >= 0.0 else None,
        validation_error=best.get("validation_error"),
        train_error=counters.history[-1]["train_error"] if counters.history else None,
        seconds=counters.busy_s,
        images_per_s=counters.total_images / counters.busy_s if counters.busy_s else 0.0,
        history=tuple(counters.history),
    )
