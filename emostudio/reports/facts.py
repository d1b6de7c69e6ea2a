"""Where the numbers come from: what stands in the footer of every file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emostudio import __version__
from emostudio.core.machine_words import machine_words
from emostudio.workspace.comparison import Comparison
from emostudio.workspace.records import ModelRecord

Fact = tuple[str, str]


def facts_of(comparison: Comparison, records: Sequence[ModelRecord]) -> Iterator[Fact]:
    """Yield data, machine, versions, engine, protocol, seeds and time, as far as they are known."""
    samples = max(row.samples for row in comparison.rows)
    if samples:
        yield "Data", f"{comparison.dataset}, {comparison.split} split, {samples:,} images"
    if comparison.machine:
        system = str(comparison.machine.get("os", ""))
        yield "Machine", ", ".join(filter(None, (machine_words(comparison.machine), system)))
    yield "Versions", _version_words(comparison.machine)
    if comparison.engine:
        yield from _timing(comparison)
    seeds = [f"{r.name} {r.info.lineage.seed}" for r in records if r.info.lineage.seed is not None]
    if seeds:
        yield "Seeds", ", ".join(seeds)
    if comparison.measured is not None:
        moments = dict.fromkeys(f"{moment:%Y-%m-%d %H:%M}" for moment in comparison.measured)
        yield "Measured", f"{' to '.join(moments)} UTC"


def _timing(comparison: Comparison) -> Iterator[Fact]:
    rows = comparison.rows
    engines = dict.fromkeys([comparison.engine, *(row.engine for row in rows if row.engine)])
    threads = sorted({row.threads for row in rows if row.threads is not None})
    words = " and ".join(str(count) for count in threads)
    plural = "thread" if threads == [1] else "threads"
    yield "Engine", f"{', '.join(engines)}, {words} {plural}, batch 1"
    queries = sorted({row.bench.samples for row in rows if row.bench and row.bench.samples})
    if queries:
        words = "interleaved blocks, sessions rebuilt in each"
        yield "Protocol", f"{words}; {_range(queries)} queries per model"


def _version_words(machine: dict[str, Any]) -> str:
    versions = machine.get("versions") or {}
    return ", ".join(
        [f"EmoStudio {__version__}", *(f"{name} {version}" for name, version in versions.items())]
    )


def _range(values: Sequence[int]) -> str:
    if values[0] == values[-1]:
        return f"{values[0]:,}"
    return f"{values[0]:,} to {values[-1]:,}"
