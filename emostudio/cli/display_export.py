"""What an export wrote, for people; with JSON the console is silent."""

from __future__ import annotations

from typing import Any

from emostudio.cli.output import Output
from emostudio.core.exported import ExportReport, parity_words
from emostudio.core.units import format_bytes


def show_export(document: dict[str, Any], output: Output) -> None:
    """Say what was written, how closely it agrees, and what must be known before it is used."""
    report = ExportReport.model_validate(document)
    parts = [report.format_title, format_bytes(report.disk_bytes)]
    if report.opset is not None:
        parts.append(f"operator set {report.opset}")
    lines = [
        f"{report.file}: {', '.join(parts)}",
        f"parity: {parity_words(report.parity)}",
        *(f"note: {note}" for note in report.notes),
        "also written: " + ", ".join(name for name in report.files if name != report.file),
    ]
    for line in lines:
        output.console.print(line, markup=False)
