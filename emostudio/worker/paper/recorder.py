"""What a part says while it runs, kept so that a part taken up again has its whole curve.

A part may hold several trainings, such as the two stages of XNOR-Net. Each is known by the folder
of its checkpoints, and only what lies before a checkpoint is kept: the rest will be done again.
"""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import BaseModel, ValidationError

from emostudio.core.atomic import write_text
from emostudio.core.events import (
    Agreement,
    CheckpointSaved,
    EpochDone,
    Event,
    Note,
    StageStarted,
    StepDone,
)
from emostudio.paper.parts import StepTime
from emostudio.worker.paper.trainings import Training

_FILE = "recorded.json"
_WARM_UP_STEPS = 5


class _Recorded(BaseModel):
    of: str = ""
    trainings: dict[str, Training] = {}
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
    of
        What the part is made of; what was recorded of another one is forgotten.
    """

    def __init__(self, folder: Path, of: str = "") -> None:
        self._folder, self._file = folder, folder / _FILE
        self._started_s = time.monotonic()
        self._kept = _read(self._file, of)
        self._before_s = self._kept.seconds
        self._forget()

    def _forget(self) -> None:
        """Be ready for a training whose checkpoints have not been seen yet."""
        self._training, self._name = Training(), ""
        self._step = self._epoch = self._steps_heard = 0
        self._first_epoch: int | None = None

    @property
    def seconds(self) -> float:
        """Time the part took, over all its sessions."""
        return self._before_s + time.monotonic() - self._started_s

    @property
    def train_error(self) -> tuple[float, ...]:
        """By epoch, over all trainings."""
        return tuple(error for one in self._trainings() for error, _ in one.errors_in_order())

    @property
    def test_error(self) -> tuple[float | None, ...]:
        """By epoch, on the pictures kept back, over all trainings."""
        return tuple(error for one in self._trainings() for _, error in one.errors_in_order())

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
        """Pictures per step of the last training, 0 without any step."""
        trainings = self._trainings()
        return trainings[-1].batch_size if trainings else 0

    @property
    def step(self) -> StepTime | None:
        """Time of a step of the last training; None where too few were done."""
        trainings = self._trainings()
        return trainings[-1].step_time(len(trainings)) if trainings else None

    def hear(self, event: Event) -> None:
        """Take in one event."""
        kept = self._kept
        if isinstance(event, StageStarted):
            self._leave()
        elif isinstance(event, StepDone):
            self._hear_step(event)
        elif isinstance(event, EpochDone):
            self._hear_epoch(event)
        elif isinstance(event, CheckpointSaved):
            self._hear_checkpoint(event)
        elif isinstance(event, Agreement):
            kept.agreement, kept.agreement_images = event.share, event.images
        elif isinstance(event, Note) and event.level != "info":
            kept.warnings.append(event.text)

    def _hear_step(self, event: StepDone) -> None:
        if event.step <= self._step:  # counted from 1 again: another training
            self._leave()
        self._step = event.step
        self._steps_heard += 1
        self._note_first(event.epoch)
        if self._steps_heard > _WARM_UP_STEPS and event.step_ms and event.images_per_s:
            images = round(event.images_per_s * event.step_ms / 1e3)
            self._training.steps.setdefault(event.epoch, []).append((event.step_ms, images))

    def _hear_epoch(self, event: EpochDone) -> None:
        if event.epoch <= self._epoch:
            self._leave()
        self._epoch = event.epoch
        self._note_first(event.epoch)
        self._training.errors[event.epoch] = (event.train_error, event.validation_error)

    def _hear_checkpoint(self, event: CheckpointSaved) -> None:
        if not self._name:
            self._name = _name_of(Path(event.file).parent, self._folder)
            before = self._kept.trainings.setdefault(self._name, Training())
            if self._first_epoch is not None:
                before.drop_from(self._first_epoch)
            before.take_in(self._training)
            self._training = before
        self._kept.seconds = self.seconds
        write_text(self._file, self._kept.model_dump_json())

    def _note_first(self, epoch: int) -> None:
        if self._first_epoch is None:
            self._first_epoch = epoch

    def _leave(self) -> None:
        """Keep a training that never had a checkpoint for as long as this session lasts."""
        trainings = self._kept.trainings
        if not self._name and self._training.errors:
            trainings[f"without a checkpoint {len(trainings)}"] = self._training
        self._forget()

    def _trainings(self) -> list[Training]:
        present = [] if self._name or not self._training.errors else [self._training]
        return [*self._kept.trainings.values(), *present]


def _read(file: Path, of: str) -> _Recorded:
    try:
        kept = _Recorded.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        kept = _Recorded()
    return kept if kept.of == of else _Recorded(of=of)


def _name_of(checkpoints: Path, folder: Path) -> str:
    """Return the name of a training, the same wherever the workspace lies."""
    is_inside = checkpoints.is_relative_to(folder)
    return (checkpoints.relative_to(folder) if is_inside else checkpoints).as_posix()
