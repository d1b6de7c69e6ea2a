"""How runs read in lists: groups, icons, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from PySide6.QtCore import QCoreApplication

from emostudio.core.jobs import JobStatus
from emostudio.core.units import format_duration
from emostudio.gui.widgets.run_list import RunItem
from emostudio.workspace.records import RunRecord

_LOOKS = {
    JobStatus.RUNNING: ("play", "accent_text"),
    JobStatus.PAUSED: ("pause", "warn"),
    JobStatus.QUEUED: ("clock", "text2"),
    JobStatus.DONE: ("check", "ok"),
    JobStatus.FAILED: ("error", "bad"),
    JobStatus.CANCELLED: ("stop", "text3"),
    JobStatus.LOST: ("warning", "warn"),
}


def _tr(text: str) -> str:
    return QCoreApplication.translate("Jobs", text)


def run_items(
    runs: Sequence[RunRecord],
    slots: Mapping[str, int],
    current: str,
    waiting: Sequence[str],
    *,
    only_failed: bool = False,
) -> list[RunItem]:
    """Return the lines of the queue: running, waiting in order, then the rest."""
    if only_failed:
        stopped = [run for run in runs if run.can_resume]
        head = RunItem(_tr("Ended early  {0}").format(len(stopped)))
        return [head, *(_item(run, slots) for run in stopped)] if stopped else []
    groups = (
        (_tr("Running"), [run for run in runs if _is_running(run) or run.id == current]),
        (_tr("Waiting"), _waiting(runs, waiting, current)),
        (_tr("Ended"), [run for run in runs if not run.is_active and run.id != current]),
    )
    items: list[RunItem] = []
    for title, members in groups:
        if members:
            items.append(RunItem(f"{title}  {len(members)}"))
            items += [_item(run, slots) for run in members]
    return items


def describe_time(moment: datetime) -> str:
    """Return a moment as the time today, the weekday this week, or the date."""
    local = moment.astimezone()
    days = (datetime.now(UTC).astimezone().date() - local.date()).days
    if days == 0:
        return local.strftime("%H:%M")
    return _tr("yesterday") if days == 1 else f"{local.day} {local.strftime('%b')}"


def elapsed_seconds(run: RunRecord) -> float | None:
    """Return how long a run has been worked on, None if it never began."""
    if run.started is None:
        return None
    return ((run.ended or datetime.now(UTC)) - run.started).total_seconds()


def _is_running(run: RunRecord) -> bool:
    return run.status in {JobStatus.RUNNING, JobStatus.PAUSED}


def _waiting(runs: Sequence[RunRecord], waiting: Sequence[str], current: str) -> list[RunRecord]:
    queued = [run for run in runs if run.status == JobStatus.QUEUED and run.id != current]
    order = {run_id: place for place, run_id in enumerate(waiting)}
    return sorted(queued, key=lambda run: order.get(run.id, len(order)))


def _item(run: RunRecord, slots: Mapping[str, int]) -> RunItem:
    icon, token = _LOOKS[run.status]
    message, tone = _message(run)
    return RunItem(
        title=run.title,
        run_id=run.id,
        icon=icon,
        token=token,
        message=message,
        message_tone=tone,
        right=_right(run),
        fraction=run.fraction,
        has_bar=_is_running(run),
        slot=slots.get(run.id),
    )


def _message(run: RunRecord) -> tuple[str, str]:
    if run.status == JobStatus.RUNNING:
        return run.message or _tr("Starting"), "text2"
    if run.status == JobStatus.PAUSED:
        return _tr("Paused, {0}").format(run.message) if run.message else _tr("Paused"), "text2"
    if run.status == JobStatus.QUEUED:
        return _tr("Waits for its turn"), "text2"
    if run.status == JobStatus.FAILED:
        return run.error or _tr("Failed"), "bad"
    if run.status == JobStatus.LOST:
        return _tr("Interrupted, can be resumed"), "warn"
    if run.status == JobStatus.CANCELLED:
        return _tr("Cancelled, checkpoint kept"), "text2"
    return _tr("Done"), "text2"


def _right(run: RunRecord) -> str:
    if _is_running(run):
        return _tr("{0} left").format(format_duration(run.seconds_left)) if run.seconds_left else ""
    if run.status == JobStatus.DONE:
        seconds = elapsed_seconds(run)
        return format_duration(seconds) if seconds is not None else ""
    return describe_time(run.ended or run.created)
