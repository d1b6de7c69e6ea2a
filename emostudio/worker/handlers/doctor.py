"""Describes the machine and tries what the studio needs."""

from __future__ import annotations

from emostudio.core.answers import DoctorReport
from emostudio.core.events import Progress
from emostudio.core.jobs import DoctorJob
from emostudio.evaluation import machine
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.doctor import CHECKS, found_cameras, run_check


def handle(job: DoctorJob, context: HandlerContext) -> Handling:
    """Run every check; a failing one is part of the answer, not an error."""
    del job
    results = []
    for number, (name, check) in enumerate(CHECKS.items()):
        yield Progress(fraction=number / len(CHECKS), message=f"Checking {name.lower()}")
        results.append(run_check(name, check, context.workspace))
    facts = {**machine.describe(), "cameras": found_cameras()}
    return DoctorReport(machine=facts, versions=facts["versions"], checks=tuple(results))
