"""What charts are made from: the comparison, and what runs left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from emostudio.core.answers import AblationReport
from emostudio.core.comparing import ModelChanges, ProfileReport
from emostudio.core.errors import InputError
from emostudio.core.events import EpochDone, Event, VariantSaved
from emostudio.core.jobs import JobStatus
from emostudio.workspace.comparison import Comparison
from emostudio.workspace.records import ModelRecord, RunRecord
from emostudio.workspace.store import Workspace

_Report = TypeVar("_Report", bound=BaseModel)


@dataclass(frozen=True)
class TrainingCurve:
    """Errors of one run by epoch, as shares in [0, 1]."""

    model: str
    slot: int
    epochs: tuple[int, ...]
    train_error: tuple[float, ...]
    validation_error: tuple[float | None, ...]


@dataclass(frozen=True)
class Material:
    """Everything a chart may show.

    Attributes
    ----------
    comparison
        Rows, baseline first.
    curves
        Trainings of the compared models.
    ablations
        Recipes that were taken apart, started from one of the compared models; newest first.
    changes
        Pictures that variants judge otherwise than the baseline.
    profiles
        Layers of compared models, newest first; no model occurs twice beside the same first one.
    """

    comparison: Comparison
    curves: tuple[TrainingCurve, ...] = ()
    ablations: tuple[AblationReport, ...] = ()
    changes: tuple[ModelChanges, ...] = ()
    profiles: tuple[ProfileReport, ...] = ()


def gather(workspace: Workspace, records: Sequence[ModelRecord], found: Comparison) -> Material:
    """Collect what the workspace knows about the models of a comparison."""
    slots = {row.model: row.slot for row in found.rows}
    curves = (training_curve(workspace, record) for record in records)
    return Material(
        comparison=found,
        curves=tuple(replace(c, slot=slots.get(c.model, c.slot)) for c in curves if c is not None),
        ablations=ablations(workspace, tuple(slots)),
        profiles=profiles(workspace, records),
    )


def training_curve(workspace: Workspace, record: ModelRecord) -> TrainingCurve | None:
    """Return the errors of the training that led to a model; None where no run left any."""
    if record.run is None:
        return None
    try:
        events, _ = workspace.events(record.run, 0, types=("epoch", "variant"))
    except InputError:  # the run was deleted, the model kept
        return None
    epochs = _own_epochs(events, record.name)
    if not epochs:
        return None
    return TrainingCurve(
        model=record.name,
        slot=record.slot,
        # A recipe with several training steps starts its epochs again: count them through.
        epochs=tuple(range(1, len(epochs) + 1)),
        train_error=tuple(event.train_error for event in epochs),
        validation_error=tuple(event.validation_error for event in epochs),
    )


def ablations(workspace: Workspace, models: Sequence[str]) -> tuple[AblationReport, ...]:
    """Return the recipes taken apart on one of these models, each once, newest first."""
    found: dict[tuple[str, tuple[str, ...]], AblationReport] = {}
    for _, report in _results(workspace, "ablate", AblationReport):
        if report.teacher in models:
            found.setdefault((report.teacher, report.methods), report)
    return tuple(found.values())


def profiles(workspace: Workspace, records: Sequence[ModelRecord]) -> tuple[ProfileReport, ...]:
    """Return what was found about the layers of these models, newest first.

    A model that was made anew under its name after it had been profiled is left out.
    """
    created = {record.name: record.created for record in records}
    seen: set[tuple[str, str]] = set()
    found = []
    for run, report in _results(workspace, "profile", ProfileReport):
        known = [
            p for p in report.profiles if p.model in created and run.created > created[p.model]
        ]
        pairs = {(report.profiles[0].model, profile.model) for profile in known}
        if report.profiles[0] in known and not pairs <= seen:
            seen |= pairs
            found.append(report.model_copy(update={"profiles": tuple(known)}))
    return tuple(found)


def _results(
    workspace: Workspace, kind: str, type_: type[_Report]
) -> Iterator[tuple[RunRecord, _Report]]:
    """Yield the runs of a kind that are done with what they found, newest first."""
    for run in sorted(workspace.runs(), key=lambda run: run.created, reverse=True):
        if run.kind != kind or run.status != JobStatus.DONE:
            continue
        try:
            report = type_.model_validate(run.result)
        except ValidationError:  # written by a version that counted otherwise
            continue
        yield run, report


def _own_epochs(events: Sequence[Event], model: str) -> list[EpochDone]:
    """Return the epochs that led to `model`: one run may train several models in turn."""
    epochs: list[EpochDone] = []
    for event in events:
        if isinstance(event, EpochDone):
            epochs.append(event)
        elif isinstance(event, VariantSaved):
            if event.model == model:
                return epochs
            epochs = []
    return epochs
