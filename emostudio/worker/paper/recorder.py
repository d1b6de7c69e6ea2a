"""What a part says while it runs, kept so that a part taken up again has its whole curve."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ValidationError

from emostudio.core.atomic import write_text
from emostudio.core.events import Agreement, EpochDone, Event, Note, StepDone
from emostudio.paper.parts import StepTime
from emostudio.statistics.medians import median_interval

_FILE = "recorded.json"
_WARM_UP_STEPS = 5
_MOST_STEPS = 4000


class _Recorded(BaseModel):
    epoch: int = 0
    train_error: list[float] = []
    test_error: list[float | None] = []
    step_ms: list[float] = []
    images: list[int] = []
    agreement: float | None = None
    agreement_images: int = 0
    warnings: list[str] = []
    seconds: float = 0.0


class Recorder:
    """Listens to one part.

    Parameters
    ----------
    folder
        Of the part's unfinished work.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._started_s = time.monotonic()
        try:
            self._kept = _Recorded.model_validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            self._kept = _Recorded()
        self._before_s = self._kept.seconds

    @property
    def seconds(self) -> float:
        """Time the part took, over all its sessions."""
        return self._before_s + time.monotonic() - self._started_s

    @property
    def train_error(self) -> tuple[float, ...]:
        """By epoch."""
        return tuple(self._kept.train_error)

    @property
    def test_error(self) -> tuple[float | None, ...]:
        """By epoch, on the pictures kept back."""
        return tuple(self._kept.test_error)

    @property
    def agreement(self) -> tuple[float, int] | None:
        """Share of held-out pictures on which student and teacher agree, and their number."""
        kept = self._kept
        return None if kept.agreement is None else (kept.agreement, kept.agreement_images)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong on the way."""
        return tuple(dict.fromkeys(self._kept.warnings))

    @property
    def batch_size(self) -> int:
        """Pictures per step, 0 without any step."""
        return round(median(self._kept.images)) if self._kept.images else 0

    @property
    def step(self) -> StepTime | None:
        """Time of a step; None where too few were done."""
        timed = self._kept.step_ms
        if len(timed) < 2:
            return None
        middle, low, high = median_interval(timed)
        return StepTime(median_ms=middle, low_ms=low, high_ms=high, steps=len(timed))

    def hear(self, event: Event) -> None:
        """Take in one event."""
        kept = self._kept
        if isinstance(event, StepDone) and event.step_ms and event.images_per_s:
            is_timed = event.step > _WARM_UP_STEPS and len(kept.step_ms) < _MOST_STEPS
            if is_timed:
                kept.step_ms.append(event.step_ms)
                kept.images.append(round(event.images_per_s * event.step_ms / 1e3))
        elif isinstance(event, EpochDone):
            self._epoch(event)
        elif isinstance(event, Agreement):
            kept.agreement, kept.agreement_images = event.share, event.images
        elif isinstance(event, Note) and event.level != "info":
            kept.warnings.append(event.text)

    def _epoch(self, event: EpochDone) -> None:
        kept = self._kept
        if event.epoch == kept.epoch and event.epoch > 1:
            # killed between the epoch's end and its checkpoint: the epoch was done again
            kept.train_error.pop()
            kept.test_error.pop()
        kept.epoch = event.epoch
        kept.train_error.append(event.train_error)
        kept.test_error.append(event.validation_error)
        kept.seconds = self.seconds
        write_text(self._file, kept.model_dump_json())
