"""Measures which kernels are fast on this machine, and keeps the card."""

from __future__ import annotations

from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Note
from emostudio.core.jobs import ProbeJob
from emostudio.evaluation.probe.measuring import measure
from emostudio.evaluation.probe.storing import keep, recall
from emostudio.worker.context import HandlerContext, Handling, other_work
from emostudio.worker.machine_cards import report_of


def handle(job: ProbeJob, context: HandlerContext) -> Handling:
    """Answer with the card and what it says about the methods."""
    notice = recall().notice
    if notice:
        yield Note(level="warning", what=notice, next_step="It is measured anew")
    busy = other_work(context)
    card = yield from measure(job.seconds, job.threads)
    both = dict.fromkeys((*busy, *other_work(context)))
    if both:
        words = f"Other jobs ran meanwhile: {', '.join(both)}"
        card = card.model_copy(update={"warnings": (*card.warnings, words)})
    for warning in card.warnings:
        yield Note(level="warning", what=warning)
    try:
        keep(card)
    except EmoStudioError as error:
        yield Note(level="warning", what="The card could not be kept", why=str(error))
    return report_of(card)
