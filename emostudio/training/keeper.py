"""Saving a run and taking it up again, bit by bit."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import torch

from emostudio.core.errors import EmoStudioError
from emostudio.core.events import CheckpointSaved, Note
from emostudio.core.job_context import JobContext
from emostudio.training.checkpoints import Checkpoint, CheckpointStore
from emostudio.training.devices import random_states, restore_random_states
from emostudio.training.divergence import non_finite_weight
from emostudio.training.optimisers import load_optimiser, optimiser_tensors
from emostudio.training.state import Counters, RunState

_PARTS = ("module", "optimiser", "average", "random")


class Keeper:
    """Writes and reads the checkpoints of one run.

    Parameters
    ----------
    state
        The run's state; restored in place.
    description
        Settings, data and model of the run: a checkpoint of another one is not taken up.
    context
        Folder, device, threads, and requests for checkpoints.
    interval_s
        Longest time between two checkpoints.
    """

    def __init__(
        self, state: RunState, description: dict[str, Any], context: JobContext, interval_s: float
    ) -> None:
        self._state = state
        self._store = CheckpointStore(context.folder / "checkpoints")
        self._requested: Callable[[], bool] = context.checkpoint_requested
        self._interval_s = interval_s
        shapes = {name: list(value.shape) for name, value in state.module.state_dict().items()}
        content = json.dumps({**description, "shapes": shapes}, sort_keys=True, default=str)
        self._fingerprint = hashlib.sha256(content.encode()).hexdigest()
        self._machine = {"device": context.device, "threads": context.threads}
        self._device = next(iter(state.module.state_dict().values())).device
        self._saved_at = time.monotonic()
        self._saved_place: tuple[object, ...] = ()
        self._saved_best = 0

    @property
    def is_due(self) -> bool:
        """Whether the user asked for a checkpoint or the last one is too old."""
        return self._requested() or time.monotonic() - self._saved_at >= self._interval_s

    def save(self) -> Iterator[CheckpointSaved | Note]:
        """Write a checkpoint, unless this moment is saved already or no longer finite."""
        counters = self._state.counters
        place = (counters.step, counters.epoch, counters.stopped)
        if place == self._saved_place or non_finite_weight(self._state.module):
            return
        self._saved_at = time.monotonic()
        try:
            if self._state.best is not None and counters.best_epoch != self._saved_best:
                self._store.save_best(self._state.best, counters.step, counters.best_epoch)
                self._saved_best = counters.best_epoch
            tensors, facts = self._packed()
            path = self._store.save(tensors, facts, counters.step, counters.epoch)
        except EmoStudioError as error:
            yield Note(
                level="warning",
                what="A checkpoint could not be written; training goes on and tries again",
                why=error.why,
                next_step=error.next_step,
            )
            return
        self._saved_place = place
        yield CheckpointSaved(file=str(path), step=counters.step, epoch=counters.epoch)

    def restore(self) -> Iterator[Note]:
        """Take up the newest checkpoint that is whole and belongs to this run, if any."""
        checkpoint, damaged = self._store.load_newest()
        for name in damaged:
            yield Note(
                level="warning",
                what=f"{name} is damaged and was not used",
                why="its content is not what was written",
                next_step="Training goes on from what was saved before it"
                if checkpoint
                else "Training starts anew",
            )
        if checkpoint is None:
            return
        if checkpoint.facts.get("fingerprint") != self._fingerprint:
            yield Note(
                level="warning",
                what="Training starts anew",
                why="the checkpoints belong to other settings, data or another network",
            )
            return
        self._unpack(checkpoint)
        yield from self._resumed_notes(checkpoint)

    def _resumed_notes(self, checkpoint: Checkpoint) -> Iterator[Note]:
        counters = self._state.counters
        yield Note(
            what=f"Resumed after step {counters.step} in epoch {counters.epoch + 1}"
            if not counters.stopped
            else f"The training had ended after epoch {counters.epoch}",
            why=f"{checkpoint.file.name} was found",
        )
        machine = checkpoint.facts.get("machine")
        if machine != self._machine and not counters.stopped:
            yield Note(
                level="warning",
                what="The resumed run will differ in the last digits",
                why=f"it ran on {machine} before and runs on {self._machine} now",
            )

    def _packed(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        state = self._state
        random_tensors, random_facts = random_states(self._device)
        parts = {
            "module": state.module.state_dict(),
            "optimiser": optimiser_tensors(state.optimiser),
            "average": state.average.tensors,
            "random": random_tensors,
        }
        tensors = {
            f"{part}/{name}": tensor
            for part, held in parts.items()
            for name, tensor in held.items()
        }
        facts = {
            "fingerprint": self._fingerprint,
            "machine": self._machine,
            "counters": asdict(state.counters),
            "random": random_facts,
        }
        return tensors, facts

    def _unpack(self, checkpoint: Checkpoint) -> None:
        parts: dict[str, dict[str, torch.Tensor]] = {part: {} for part in _PARTS}
        for full_name, tensor in checkpoint.tensors.items():
            part, _, name = full_name.partition("/")
            parts[part][name] = tensor
        state = self._state
        state.module.load_state_dict(parts["module"])
        load_optimiser(state.optimiser, parts["optimiser"])
        state.average.restore(parts["average"])
        restore_random_states(parts["random"], checkpoint.facts["random"], self._device)
        restored = Counters(**checkpoint.facts["counters"])
        state.counters.__dict__.update(restored.__dict__)
        state.best = checkpoint.best
        if checkpoint.best is None:
            state.counters.best_score = -1.0
        else:
            self._saved_best = restored.best_epoch
        self._saved_place = (restored.step, restored.epoch, restored.stopped)
