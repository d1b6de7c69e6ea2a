"""The line under every table: preset, data, machine, seeds."""

from __future__ import annotations

from emostudio.core.machine_words import machine_words
from emostudio.paper.base import Findings
from emostudio.paper.study import DataFacts


def facts(findings: Findings, seeds: tuple[int, ...] = ()) -> dict[str, str]:
    """Return what the numbers of a table have in common."""
    settings, record = findings.settings, findings.record
    made = {"Preset": settings.sizes.title.lower()}
    if seeds:
        made["Seeds"] = ", ".join(map(str, seeds))
    if record is not None and record.data is not None:
        made["Data"] = _data_words(record.data)
    if record is not None and record.pool is not None and settings.pool is not None:
        made["Unlabelled faces"] = f"{record.pool.name}, {record.pool.train_images:,}"
    machines = {
        machine_words(result.machine, result.device) for result in findings.results.values()
    }
    if machines:
        made["Machine"] = "; ".join(sorted(machines))
    return made


def dataset_name(findings: Findings) -> str:
    """Return the name of the labelled faces."""
    record = findings.record
    return record.data.name if record is not None and record.data is not None else ""


def _data_words(data: DataFacts) -> str:
    kind = "drawn faces" if data.is_synthetic else data.name
    people = f", {data.subjects} people" if data.subjects else ""
    counts = f"{data.train_images:,} to train, {data.test_images:,} to test"
    return f"{kind}{people}, {counts}"
