"""The line under every table: preset, seeds, data, protocol, machine and versions."""

from __future__ import annotations

from collections.abc import Iterable

from emostudio.core.machine_words import machine_words
from emostudio.paper.base import Findings
from emostudio.paper.parts import PartResult
from emostudio.paper.study import DataFacts


def facts(
    findings: Findings, seeds: tuple[int, ...] = (), bench: PartResult | None = None
) -> dict[str, str]:
    """Return what the numbers of a table have in common.

    Parameters
    ----------
    seeds
        Of the trainings.
    bench
        What timed the table's networks, if anything did.
    """
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
    protocol = _protocol_words(record.data if record is not None else None, bench)
    if protocol:
        made["Protocol"] = protocol
    if machines:
        made["Machine"] = "; ".join(sorted(machines))
        made["Versions"] = _version_words(findings.results.values())
    return made


def dataset_name(findings: Findings) -> str:
    """Return the name of the labelled faces."""
    record = findings.record
    return record.data.name if record is not None and record.data is not None else ""


def _protocol_words(data: DataFacts | None, bench: PartResult | None) -> str:
    words = []
    if data is not None and data.split_policy:
        words.append(f"split {data.split_policy}; test pictures looked at once, at the end")
    timed = [result for result in bench.bench if result.latency_ms is not None] if bench else []
    if bench is not None and timed:
        blocks = max(map(len, bench.block_medians_ms.values()), default=0)
        counts = sorted({result.samples for result in timed})
        queries = " to ".join(dict.fromkeys(f"{count:,}" for count in (counts[0], counts[-1])))
        counted = f"{queries} queries per model, " if counts[0] else ""
        words.append(
            f"times over {blocks} interleaved blocks, sessions rebuilt in each, {counted}batch 1"
        )
    return "; ".join(words)


def _version_words(results: Iterable[PartResult]) -> str:
    """Return what the parts ran with; a part kept from before an update ran with another one."""
    found: dict[str, dict[str, None]] = {}
    for result in sorted(results, key=lambda result: result.finished):
        versions = result.machine.get("versions") or {}
        system = result.machine.get("os", "")
        python = result.machine.get("python", "")
        for name, version in {**versions, "Python": python, "": system}.items():
            if version:
                found.setdefault(name, {})[str(version)] = None
    if not found:
        return "not recorded"
    return ", ".join(f"{name} {' and '.join(known)}".strip() for name, known in found.items())


def _data_words(data: DataFacts) -> str:
    kind = "drawn faces" if data.is_synthetic else data.name
    people = f", {data.subjects} people" if data.subjects else ""
    counts = f"{data.train_images:,} to train, {data.test_images:,} to test"
    return f"{kind}{people}, {counts}"
