"""Listening to events that pass by."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from emostudio.core.events import Event, StepDone

ReturnT = TypeVar("ReturnT")


def heard_step_ms(
    events: Generator[Event, None, ReturnT], step_ms: list[float]
) -> Generator[Event, None, ReturnT]:
    """Pass events through and note how long each training step took."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            result: ReturnT = stop.value
            return result
        if isinstance(event, StepDone) and event.step_ms is not None:
            step_ms.append(event.step_ms)
        try:
            yield event
        except GeneratorExit:
            events.close()
            raise
