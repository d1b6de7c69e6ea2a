"""Listening to events that pass by."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

from emostudio.core.events import EpochDone, Event, StageStarted, StepDone
from emostudio.evaluation.memory import forget_peak, peak_bytes

ReturnT = TypeVar("ReturnT")


@dataclass
class TrainingCosts:
    """What the trainings that were heard cost.

    Attributes
    ----------
    device
        Where they ran: only on ``cpu`` is a training's memory that of its process.
    step_ms
        Time of every step.
    peak_bytes
        Highest memory of this process while it trained; None where that is not known.
    """

    device: str
    step_ms: list[float] = field(default_factory=list)
    peak_bytes: int | None = None
    _counts: bool = False

    def hear(self, event: Event) -> None:
        """Note what an event says."""
        if isinstance(event, StageStarted):
            self._counts = False  # what a decomposition needs is not needed for training
        elif isinstance(event, StepDone):
            if event.step_ms is not None:
                self.step_ms.append(event.step_ms)
            self._counts = self._counts or (self.device == "cpu" and forget_peak())
        elif isinstance(event, EpochDone) and self._counts:
            self.peak_bytes = max(self.peak_bytes or 0, peak_bytes())


def heard_costs(
    events: Generator[Event, None, ReturnT], costs: TrainingCosts
) -> Generator[Event, None, ReturnT]:
    """Pass events through and note what training costs."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: ReturnT = stop.value
            return result
        costs.hear(event)
        try:
            yield event
        except GeneratorExit:
            events.close()
            raise
