"""What stands behind the title of the Compare page, and why figures must not be published."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from emostudio.core.machine_words import machine_words
from emostudio.workspace.comparison import Comparison


def _tr(text: str) -> str:
    return QCoreApplication.translate("ComparePage", text)


def facts_line(found: Comparison) -> str:
    """Return pictures, protocol and machine of a comparison in one line."""
    parts = []
    if found.dataset:
        samples = max((row.samples for row in found.rows), default=0)
        parts.append(f"{found.dataset}, {found.split} split, {samples:,} images")
    protocol = ", ".join(_protocol(found))
    parts += [protocol] if protocol else []
    parts += [note for note in found.notes if "together" in note]
    if found.machine:
        parts.append(machine_words(found.machine))
    return ". ".join(parts) or _tr("Nothing measured yet")


def why_not_for_publication(found: Comparison) -> str:
    """Return every reason on a line of its own."""
    return "\n".join(f"{reason.rstrip('.')}." for reason in found.blockers)


def _protocol(found: Comparison) -> Iterable[str]:
    benches = [row.bench for row in found.rows if row.bench is not None]
    blocks = {len(bench.steadiness.block_medians_ms) for bench in benches if bench.steadiness}
    if blocks:
        yield _counted(blocks, _tr("1 block"), _tr("{0} blocks"))
    threads = {row.threads for row in found.rows if row.threads is not None}
    if threads:
        yield _counted(threads, _tr("1 thread"), _tr("{0} threads"))


def _counted(counts: set[int], one: str, many: str) -> str:
    if counts == {1}:
        return one
    low, high = min(counts), max(counts)
    return many.format(low if low == high else f"{low}–{high}")
