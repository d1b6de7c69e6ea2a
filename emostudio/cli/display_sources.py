"""Catalogues, machine and data as tables for people; with JSON the console is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emostudio.cli.output import Output
from emostudio.cli.tables import table
from emostudio.core.answers import CatalogueEntry
from emostudio.core.units import format_bytes

Document = dict[str, Any]


def show_catalogue(entries: Sequence[CatalogueEntry], output: Output) -> None:
    """List catalogue members with their settings."""
    for entry in entries:
        output.console.print(f"{entry.key}  {entry.title}", style="bold", markup=False)
        lines = [entry.summary, entry.reference]
        if not entry.available:
            lines.append(f"Cannot be used here: {entry.why_not}")
        for name, field in entry.settings.get("properties", {}).items():
            lines.append(f"  {name} = {field.get('default')}  {_bounds(field)}")
        for line in filter(None, lines):
            output.console.print(f"    {line}", markup=False)


def show_doctor(report: Document, output: Output) -> None:
    """Show what works."""
    machine = report["machine"]
    output.console.print(
        f"{machine['cpu']}, {machine['logical_cores']} cores, "
        f"{format_bytes(machine['memory_bytes'])} memory, {machine['os']}",
        markup=False,
    )
    rows = [
        ("yes" if check["works"] else "NO", check["name"], check["details"], check["next_step"])
        for check in report["checks"]
    ]
    table(output, ("Works", "What", "Details", "What to do"), rows)


def show_data(report: Document, output: Output) -> None:
    """Show a data report."""
    output.console.print(
        f"{report['name']}: {report['samples']:,} pictures, layout {report['reader']}, "
        f"split {report['split_policy']}",
        markup=False,
    )
    emotions = sorted({name for counts in report["counts"].values() for name in counts})
    rows = [
        (split, *(f"{counts.get(name, 0):,}" for name in emotions))
        for split, counts in report["counts"].items()
    ]
    table(output, ("Split", *emotions), rows)
    for warning in report["warnings"]:
        output.console.print(f"warning: {warning}", markup=False)
    for problem in report["problems"][:20]:
        output.console.print(f"{problem['item']}: {problem['what']}", markup=False)
    if report["problem_count"]:
        output.console.print(f"{report['problem_count']:,} problems in all")
    _leak_line(report, output)


def show_leaks(report: Document, output: Output) -> None:
    """Show leaks across splits."""
    rows = [
        (leak["kind"], leak["first"], leak["second"], " / ".join(leak["splits"]))
        for leak in report["leaks"][:50]
    ]
    if rows:
        table(output, ("Leak", "First", "Second", "Splits"), rows)
    _leak_line(report, output)


def _leak_line(report: Document, output: Output) -> None:
    counts = report["leak_counts"]
    words = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    output.console.print(f"Leaks across splits: {words or 'none found'}")


def _bounds(field: Document) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    bounds = f"[{low} to {high}]" if low is not None and high is not None else ""
    unit = field.get("unit") or ""
    return " ".join(part for part in (bounds, unit, field.get("description", "")) if part)
