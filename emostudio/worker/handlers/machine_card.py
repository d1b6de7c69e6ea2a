"""Tells what was measured about a machine; measures nothing."""

from __future__ import annotations

from pathlib import Path

from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.core.jobs import MachineCardJob
from emostudio.evaluation.probe.storing import read_card, recall
from emostudio.reports.machine_card import write_card
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.machine_cards import report_of


def handle(job: MachineCardJob, context: HandlerContext) -> Handling:
    """Answer with the card, what it says about the methods, and the file that was written."""
    del context
    yield Progress(message="Reading the machine card")
    if job.card:
        report = report_of(read_card(Path(job.card).expanduser()), is_ours=False)
    else:
        known = recall()
        report = report_of(known.card, known.notice)
    if not job.out:
        return report
    if report.card is None:
        raise InputError(
            "There is no machine card to write",
            why=report.notice or "nothing was measured on this machine yet",
            next_step="Measure with emostudio probe",
        )
    written = write_card(report, Path(job.out).expanduser())
    return report.model_copy(update={"out": str(written)})
